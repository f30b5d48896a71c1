//! What comes of a run: a table to read, and a line of JSON for every contestant.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::figures::{Figure, Reached, figures};
use crate::machine;
use crate::race::{Contestant, Pair, Times, race};

/// Where the lines go, instead of into `build/bench` of the repository.
const PLACE: &str = "KMSHSM_BENCH_JSON";

/// What one contestant did in a group.
pub struct Row {
    pub group: String,
    pub size: Option<usize>,
    pub contestant: &'static str,
    pub times: Result<Times, String>,
}

/// A run of the groups whose name has a word.
pub struct Run {
    wanted: Option<String>,
    lines: Option<File>,
    rows: Vec<Row>,
}

impl Run {
    /// A part of all groups leaves the results of a whole run alone, unless it is told where to write.
    pub fn new(wanted: Option<String>) -> Self {
        let place = std::env::var_os(PLACE).map(Into::into).or_else(|| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            wanted.is_none().then(|| root.join("build/bench/peers.jsonl"))
        });
        let lines = place.map(|place| {
            place.parent().into_iter().for_each(|parent| std::fs::create_dir_all(parent).unwrap());
            File::create(place).unwrap()
        });
        let mut run = Self { wanted, lines, rows: Vec::new() };
        let machine = machine::describe();
        println!("{} of {}, load {}", machine["cores"], machine["cpu"], machine["load"]);
        run.line(&machine);
        run
    }

    /// Says which library takes part, or why it does not.
    pub fn peer(&mut self, name: &str, version: Result<String, String>) {
        let (member, text) = match version {
            Ok(version) => ("version", version),
            Err(why) => ("absent", why),
        };
        println!("{name:<12} {member} {text}");
        self.line(&json!({ "kind": "peer", "harness": "rust", "peer": name, member: text }));
    }

    pub fn wants(&self, name: &str) -> bool {
        self.wanted.as_ref().is_none_or(|word| name.contains(word.as_str()))
    }

    /// Times a group, of which the first is the one that the others are held against.
    pub fn group(
        &mut self,
        group: &str,
        size: Option<usize>,
        contestants: impl FnOnce() -> Vec<Contestant>,
    ) {
        let name = size.map_or(group.to_owned(), |size| format!("{group}, {size} bytes"));
        if !self.wants(&name) {
            return;
        }
        println!("\n{name}");
        let contestants = contestants();
        let times = race(&contestants);
        let [first, first_pair] = match &times[0] {
            Ok(times) => [Some(times.alone[1]), times.pair.as_ref().map(|pair| pair.each[1])],
            Err(_) => [None; 2],
        };
        let reference = contestants[0].name;
        for (Contestant { name, peer, .. }, times) in contestants.iter().zip(times) {
            let mut line = json!({
                "kind": "result", "harness": "rust", "group": group, "size": size, "threads": 1,
                "contestant": name, "peer": peer, "reference": reference,
            });
            print(name, &times, first);
            match &times {
                Ok(times) => {
                    extend(&mut line, measured(times.alone, first));
                    extend(&mut line, json!({ "rounds": times.rounds, "ops": times.operations }));
                }
                Err(why) => extend(&mut line, json!({ "absent": why })),
            }
            self.line(&line);
            if let Ok(Times { pair: Some(pair), .. }) = &times {
                let Pair { each, scaling, scaling_cpu, to_be_had } = pair;
                extend(&mut line, measured(*each, first_pair));
                extend(&mut line, json!({ "threads": 2, "ops": null, "scaling": scaling }));
                extend(&mut line, json!({ "scaling_cpu": scaling_cpu, "to_be_had": to_be_had }));
                self.line(&line);
            }
            self.rows.push(Row { group: group.to_owned(), size, contestant: name, times });
        }
    }

    /// The figures to reach; of a part of all groups, those that it has.
    pub fn figures(&mut self) {
        println!("\nfigures to reach");
        for figure in figures() {
            let reached = figure.reached(&self.rows);
            if reached.is_err() && self.wanted.is_some() {
                continue;
            }
            let Figure { figure: name, group, size, threads, of, to, bound, goal } = figure;
            let is_met = reached.as_ref().ok().map(|reached| bound.holds(reached.ratio, goal));
            let told = match &reached {
                Ok(Reached { ratio, to_be_had: None }) => format!("{ratio:.2}"),
                Ok(Reached { ratio, to_be_had: Some(most) }) => format!("{ratio:.2} of {most:.2}"),
                Err(why) => format!("not measured: {why}"),
            };
            let verdict = if is_met == Some(false) { "  falls short" } else { "" };
            println!("  {name:<42} {:<8} {goal:<4} {told}{verdict}", bound.name());
            let mut line = json!({
                "kind": "figure", "harness": "rust", "figure": name, "bound": bound.name(),
                "goal": goal, "reached": null, "met": is_met,
                "group": group, "size": size, "threads": threads, "of": of, "to": to,
            });
            extend(
                &mut line,
                match reached {
                    Ok(reached) => {
                        json!({ "reached": reached.ratio, "to_be_had": reached.to_be_had })
                    }
                    Err(why) => json!({ "why": why }),
                },
            );
            self.line(&line);
        }
    }

    fn line(&mut self, line: &Value) {
        if let Some(file) = &mut self.lines {
            writeln!(file, "{line}").unwrap();
        }
    }
}

fn measured([low, median, high]: [f64; 3], first: Option<f64>) -> Value {
    let ratio = first.map(|first| first / median);
    json!({ "ns": median, "ns_low": low, "ns_high": high, "ratio": ratio })
}

fn extend(to: &mut Value, from: Value) {
    let (Value::Object(to), Value::Object(from)) = (to, from) else { return };
    to.extend(from);
}

fn print(name: &str, times: &Result<Times, String>, first: Option<f64>) {
    let times = match times {
        Ok(times) => times,
        Err(why) => return println!("  {name:<36} absent: {why}"),
    };
    let [_, ns, _] = times.alone;
    print!("  {name:<36} {ns:>10.0} ns");
    if let Some(first) = first {
        print!(" {:>8.3} of the first", first / ns);
    }
    if let Some(Pair { scaling, scaling_cpu, to_be_had, .. }) = &times.pair {
        print!(
            "   two threads {scaling:.2} of one ({scaling_cpu:.2} by CPU time; arithmetic \
             {to_be_had:.2})"
        );
    }
    println!();
}
