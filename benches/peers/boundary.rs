//! What the boundary costs.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::race::{calibrate, quartiles, thread_ns};
use crate::store::Session;
use crate::symmetric::Key;

const ROUNDS: usize = 600;

unsafe extern "C" {
    fn kmshsm_testing_plain_memory();
}

/// What the boundary costs: the same program once with all its protections and once with none, which a
/// process decides for good, so each is a process of its own that times a round when it is told to.
pub fn boundary(name: &str) {
    let memories = ["plain memory", "secret memory"];
    let mut servers = memories.map(|memory| {
        let mut program = Command::new(std::env::current_exe().unwrap());
        let program = program.arg(memory).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        (child.stdin.take().unwrap(), output, child)
    });
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for turn in 0..2 {
            let at = (round + turn) % 2;
            let (input, output, _) = &mut servers[at];
            input.write_all(b"round\n").unwrap();
            times[at].push(output.next().unwrap().unwrap().parse::<f64>().unwrap());
        }
    }
    for (input, _, mut child) in servers {
        drop(input);
        assert!(child.wait().unwrap().success());
    }
    println!("\n{name}");
    let costs: Vec<f64> = times[1].iter().zip(&times[0]).map(|(b, a)| b - a).collect();
    let [_, cost, _] = quartiles(&costs);
    let [plain, secret] = times.map(|times| quartiles(&times)[1]);
    println!("  {:<42} {plain:>9.0} ns", memories[0]);
    println!(
        "  {:<42} {secret:>9.0} ns   {cost:+.0} ns, median of neighbouring rounds",
        memories[1]
    );
}

/// Times a round of encryptions for each line of input.
pub fn serve(memory: &str) {
    if memory == "plain memory" {
        // SAFETY: the first call of the process.
        unsafe { kmshsm_testing_plain_memory() };
    }
    let key = Key::new(Session::open(), "Aliyun_AES_256");
    let mut run = key.encrypt("kmshsm_encrypt", 32).make.unwrap()();
    // Short rounds: neighbours in time are compared, and the machine's mood lasts longer.
    let runs = calibrate(&mut run) / 10;
    for _ in std::io::stdin().lines() {
        let start = thread_ns();
        (0..runs).for_each(|_| run());
        println!("{}", (thread_ns() - start) as f64 / runs as f64);
    }
}
