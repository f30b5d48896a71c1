//! What lists cost as keys become more: `make bench-lists`, or with `KMSHSM_KEYS=1000000`. Each line is
//! the median of calls on one store in memory; the columns are numbers of keys.
#![allow(missing_docs)]

use std::time::{Duration, Instant};

use kmshsm::api::dispatch_json;
use kmshsm::kms::{Kms, Options, Session};

/// One key in so many has the tag, is disabled, has an alias.
const TAGGED: usize = 10;
const DISABLED: usize = 100;
const NAMED: usize = 1000;

fn main() {
    let most = std::env::var("KMSHSM_KEYS").ok().and_then(|text| text.parse().ok());
    let most: usize = most.unwrap_or(100_000);
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    let kms = Kms::in_memory(options).unwrap();
    let session = kms.session("1", "cn-hongkong").unwrap();
    let mut made = 0;
    let mut columns = Vec::new();
    for number in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|n| *n <= most) {
        let begun = Instant::now();
        let fresh = number - made;
        while made < number {
            create(&session, made);
            made += 1;
        }
        let each = begun.elapsed() / u32::try_from(fresh).unwrap();
        columns.push((number, each, measure(&session, number)));
    }
    print!("{:<44}", "µs");
    columns.iter().for_each(|(number, ..)| print!("{number:>12}"));
    print!("\n{:<44}", "CreateKey");
    columns.iter().for_each(|(_, each, _)| print!("{:>12.1}", micros(*each)));
    println!();
    let lines = columns.first().map_or(0, |(_, _, lines)| lines.len());
    for line in 0..lines {
        print!("{:<44}", columns[0].2[line].0);
        columns.iter().for_each(|(_, _, lines)| print!("{:>12.1}", micros(lines[line].1)));
        println!();
    }
}

fn create(session: &Session, nth: usize) {
    let with = match nth % TAGGED {
        0 => r#"{"Tags":[{"TagKey":"team","TagValue":"a"}]}"#,
        _ => "{}",
    };
    let answer = dispatch_json(session, "CreateKey", Some(with)).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let key = &answer["KeyMetadata"]["KeyId"];
    if nth.is_multiple_of(DISABLED) {
        dispatch_json(session, "DisableKey", Some(&format!(r#"{{"KeyId":{key}}}"#))).unwrap();
    }
    if nth.is_multiple_of(NAMED) {
        let with = format!(r#"{{"AliasName":"alias/k{nth}","KeyId":{key}}}"#);
        dispatch_json(session, "CreateAlias", Some(&with)).unwrap();
    }
}

fn measure(session: &Session, number: usize) -> Vec<(&'static str, Duration)> {
    let filters = |filters: &str| format!(r#"{{"Filters":[{filters}]}}"#);
    let of = |key: &str, value: &str| format!(r#"{{"Key":"{key}","Values":["{value}"]}}"#);
    let last_page = number / 100;
    let calls = [
        ("ListKeys", "ListKeys", "{}".to_owned()),
        ("the last page", "ListKeys", format!(r#"{{"PageSize":100,"PageNumber":{last_page}}}"#)),
        ("KeyState Disabled, 1 in 100", "ListKeys", filters(&of("KeyState", "Disabled"))),
        (
            "KeyState Enabled and KeySpec AES_256, 99 %",
            "ListKeys",
            filters(&[of("KeyState", "Enabled"), of("KeySpec", "Aliyun_AES_256")].join(",")),
        ),
        ("TagKey and TagValue, 1 in 10", "ListKeys", {
            filters(&[of("TagKey", "team"), of("TagValue", "a")].join(","))
        }),
        ("TagKey and KeyState Disabled, 1 in 100", "ListKeys", {
            filters(&[of("TagKey", "team"), of("KeyState", "Disabled")].join(","))
        }),
        ("AliasName", "ListKeys", filters(&of("AliasName", "alias/k0"))),
        ("ListAliases", "ListAliases", "{}".to_owned()),
        ("DescribeKey by alias", "DescribeKey", r#"{"KeyId":"alias/k0"}"#.to_owned()),
    ];
    let time = |action: &str, with: &str| {
        let mut times: Vec<_> = (0..21)
            .map(|_| {
                let begun = Instant::now();
                dispatch_json(session, action, Some(with)).unwrap();
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    calls.iter().map(|(name, action, with)| (*name, time(action, with))).collect()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
