//! Another process with the store open: it is sent calls line by line and answers each.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Barrier;
use std::thread;

use kmshsm::kms::{Audit, DataPlane, Kms, Session};
use serde_json::{Value, json};

use crate::{Outcome, call, churn, linearizable, metering, open_with, outside, trail};

const ROLE: &str = "KMSHSM_TEST_ROLE";
const PLACE: &str = "KMSHSM_TEST_PLACE";
const CLOCK: &str = "KMSHSM_TEST_CLOCK";
const WRAPPING: (&str, &str) = ("EC_SM2", "SM2PKE");
/// The harness writes to the same pipe.
const ANSWER: &str = "answer: ";

pub struct Process {
    child: Child,
    demands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    /// A process that serves calls.
    pub fn serving(place: &Path, clock: u64) -> Self {
        Self::spawn("serve", place, clock)
    }

    /// A process that changes the store until it is killed; it has begun when this returns.
    pub fn churning(place: &Path, clock: u64) -> Self {
        let mut process = Self::spawn("churn", place, clock);
        process.receive();
        process
    }

    /// A process that uses a key and writes calls down until it is killed; it has begun when this returns.
    pub fn metering(place: &Path, clock: u64) -> Self {
        let mut process = Self::spawn("meter", place, clock);
        process.receive();
        process
    }

    /// A process that is recorded until it is killed; it has begun when this returns.
    pub fn recording(place: &Path, clock: u64) -> Self {
        let mut process = Self::spawn("record", place, clock);
        process.receive();
        process
    }

    /// A process whose calls are written down until it is killed; it has begun when this returns.
    pub fn registering(place: &Path, clock: u64) -> Self {
        let mut process = Self::spawn("register", place, clock);
        process.receive();
        process
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn spawn(role: &str, place: &Path, clock: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "worker", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(PLACE, place)
            .env(CLOCK, clock.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (demands, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, demands, answers: BufReader::new(answers) }
    }

    pub fn call(&mut self, action: &str, params: Value) -> Outcome {
        self.demand(&json!([[action, params]]));
        self.outcomes().remove(0)
    }

    /// The parameters of ImportKeyMaterial for a key, good for a day.
    pub fn wrapped_for(&mut self, key: &Value) -> Value {
        let (spec, algorithm) = WRAPPING;
        let params =
            json!({ "KeyId": key, "WrappingKeySpec": spec, "WrappingAlgorithm": algorithm });
        let given = self.call("GetParametersForImport", params).unwrap();
        let recipe = json!({
            "PublicKey": given["PublicKey"],
            "WrappingAlgorithm": algorithm,
            "KeyMaterial": "5a".repeat(32),
        });
        let wrapped = outside::serve("wrap", &recipe).unwrap();
        json!({
            "KeyId": key,
            "ImportToken": given["ImportToken"],
            "EncryptedKeyMaterial": wrapped["EncryptedKeyMaterial"],
        })
    }

    /// Whether it has not ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Calls that threads of the process begin at once.
    pub fn demand(&mut self, calls: &Value) {
        writeln!(self.demands, "{calls}").unwrap();
    }

    /// What the calls of the last demand have answered, in their order.
    pub fn outcomes(&mut self) -> Vec<Outcome> {
        let Value::Array(outcomes) = self.receive() else { panic!("no outcomes") };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let read = |outcome: Value| match outcome.get("Code") {
            Some(code) => Err((text(code), text(&outcome["Message"]))),
            None => Ok(outcome),
        };
        outcomes.into_iter().map(read).collect()
    }

    fn receive(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "a process has ended");
            if let Some((_, answer)) = line.split_once(ANSWER) {
                return serde_json::from_str(answer).unwrap();
            }
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a process does if it is not the first one.
pub fn work() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let place = std::env::var_os(PLACE).unwrap();
    let clock = std::env::var(CLOCK).unwrap().parse().unwrap();
    // Of one that is killed, what is answered is in the trail only if it is strict.
    let audit = match role.as_str() {
        "record" => Audit { data_plane: DataPlane::All, is_strict: true },
        _ => Audit::default(),
    };
    let (kms, session) = open_with(Path::new(&place), clock, audit);
    match role.as_str() {
        "serve" => serve(&kms, &session),
        "churn" => {
            end_with_the_test();
            churn::forever(&session, clock, || answer(&Value::Null));
        }
        "meter" => {
            end_with_the_test();
            metering::forever(&kms, &session, Path::new(&place), || answer(&Value::Null));
        }
        "register" => {
            end_with_the_test();
            linearizable::forever(&session, Path::new(&place), || answer(&Value::Null));
        }
        "record" => {
            end_with_the_test();
            trail::forever(&session, Path::new(&place), || answer(&Value::Null));
        }
        other => panic!("no role {other}"),
    }
}

fn end_with_the_test() {
    thread::spawn(|| {
        std::io::stdin().lines().for_each(drop);
        std::process::exit(0);
    });
}

fn serve(kms: &Kms, session: &Session) {
    for line in std::io::stdin().lines() {
        let calls: Vec<(String, Value)> = serde_json::from_str(&line.unwrap()).unwrap();
        let outcomes = at_once(kms, session, &calls);
        let write = |outcome: Outcome| match outcome {
            Ok(answer) => answer,
            Err((code, message)) => json!({ "Code": code, "Message": message }),
        };
        answer(&outcomes.into_iter().map(write).collect());
    }
}

fn at_once(kms: &Kms, session: &Session, calls: &[(String, Value)]) -> Vec<Outcome> {
    if let [(action, params)] = calls {
        return vec![one(kms, session, action, params)];
    }
    let barrier = Barrier::new(calls.len());
    let begin = |(action, params): &(String, Value)| {
        barrier.wait();
        one(kms, session, action, params)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = calls.iter().map(|each| scope.spawn(|| begin(each))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn one(kms: &Kms, session: &Session, action: &str, params: &Value) -> Outcome {
    match action {
        "Tick" => Ok(serde_json::to_value(kms.tick().unwrap()).unwrap()),
        "Authenticate" => {
            let text = |name: &str| params[name].as_str().unwrap();
            match kms.authenticate(text("AccessKeyId"), text("Secret").as_bytes()) {
                Ok(_) => Ok(json!({})),
                Err(error) => Err((error.code().wire_code().to_owned(), error.to_string())),
            }
        }
        "Hammer" => {
            hammer(session.clone(), params.clone());
            Ok(json!({}))
        }
        action => call(session, action, params),
    }
}

/// A thread that encrypts and decrypts with some keys all the time. Their states change; nothing else
/// may happen to it.
fn hammer(session: Session, keys: Value) {
    thread::spawn(move || {
        loop {
            for key in keys.as_array().unwrap() {
                let text = json!({ "KeyId": key["KeyId"], "Plaintext": "text !" });
                let blob = json!({ "CiphertextBlob": key["Blob"] });
                for (action, params) in [("Encrypt", text), ("Decrypt", blob)] {
                    match call(&session, action, &params) {
                        Ok(answer) if action == "Encrypt" || answer["Plaintext"] == "text !" => {}
                        Err((code, _)) if code.starts_with("Rejected.") => {}
                        other => {
                            eprintln!("{action} {params}: {other:?}");
                            std::process::exit(3);
                        }
                    }
                }
            }
        }
    });
}

fn answer(answer: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ANSWER}{answer}").unwrap();
    out.flush().unwrap();
}
