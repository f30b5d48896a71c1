//! Wrong secrets of an access key are counted before they are answered: several processes that guess at the
//! same moment have five guesses together, and one that is killed gets none back.

use serde_json::{Value, json};

use crate::process::Process;
use crate::{Outcome, START, new_store, setting};

const QUARTER: u64 = 900;
const WRONG: &str = "IncompleteSignature";
const KEPT_OUT: &str = "Forbidden.AccessKey";

fn code(outcome: Outcome) -> Option<String> {
    outcome.err().map(|(code, _)| code)
}

#[test]
fn guesses_of_all_processes_are_one_row() {
    let (_folder, place) = new_store();
    let mut processes: Vec<_> = (0..3).map(|_| Process::serving(&place, START)).collect();
    processes[0].call("CreateUser", json!({ "UserName": "alice" })).unwrap();
    let made = processes[0].call("CreateAccessKey", json!({ "UserName": "alice" })).unwrap();
    let key = &made["AccessKey"];
    let guess = |secret: &Value| json!(["Authenticate", { "AccessKeyId": key["AccessKeyId"], "Secret": secret }]);
    let (right, wrong) = (guess(&key["AccessKeySecret"]), guess(&json!("wrong")));
    let tell = |process: &mut Process, call: &Value| {
        process.demand(&json!([call]));
        code(process.outcomes().remove(0))
    };
    let rounds = setting("KMSHSM_ROUNDS", 40);
    for round in 0..rounds {
        // Some are answered and then killed.
        let early = usize::try_from(round % 5).unwrap();
        let mut killed = Process::serving(&place, START + round * QUARTER);
        for _ in 0..early {
            assert_eq!(tell(&mut killed, &wrong).as_deref(), Some(WRONG));
        }
        killed.kill();
        // The others all come at once, with several threads each.
        let calls = Value::from(vec![wrong.clone(); 4]);
        processes.iter_mut().for_each(|process| process.demand(&calls));
        let outcomes: Vec<_> =
            processes.iter_mut().flat_map(Process::outcomes).filter_map(code).collect();
        let counted = outcomes.iter().filter(|code| *code == WRONG).count();
        let kept_out = outcomes.iter().filter(|code| *code == KEPT_OUT).count();
        assert_eq!((counted, kept_out), (5 - early, 12 - (5 - early)), "{outcomes:?}");
        for process in &mut processes {
            assert_eq!(tell(process, &right).as_deref(), Some(KEPT_OUT));
        }
        for process in &mut processes {
            process.call("AdvanceClock", json!({ "Seconds": QUARTER })).unwrap();
        }
        assert_eq!(tell(&mut processes[1], &right), None);
    }
    println!("{rounds} rounds of guesses, five answered in each");
}
