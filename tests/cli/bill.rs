//! Bills of the present month.

use kmshsm::model::{Clock, Month, SystemClock};

use crate::home::*;

#[test]
fn a_bill_is_a_statement_or_json() {
    let home = Home::with_store();
    let month = Month::of(SystemClock.now()).to_string();
    let key = home.key(&[]);
    // Each command is a process, and none has lived for a second.
    for _ in 0..3 {
        home.ok("Encrypt", &["--KeyId", &key, "--Plaintext", "text !"]);
    }
    let answer = home.ok("bill", &["--month", &month, "--output", "json", "--currency", "USD"]);
    let same = home.ok("QueryBill", &["--BillingCycle", &month, "--Currency", "usd"]);
    assert_eq!((text(&answer["Currency"]), &answer["Total"]), ("USD", &same["Total"]));
    let is_calls = |line: &&serde_json::Value| line["Item"] == "CallsBasic";
    let lines = answer["Items"]["Item"].as_array().unwrap();
    assert_eq!(lines.iter().find(is_calls).unwrap()["Quantity"], "3");

    let run = home.action("bill", &["--month", &month, "--output", "table"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let rows: Vec<Vec<_>> = run.out.lines().map(|row| row.split_whitespace().collect()).collect();
    let head = format!("Account 111122223333, {month} (UTC), in CNY");
    assert_eq!(run.out.lines().next(), Some(head.as_str()));
    assert!(rows[1].is_empty());
    assert_eq!(rows[2], ["Region", "Item", "Quantity", "Unit", "UnitPrice", "Amount"]);
    let calls = ["cn-hongkong", "CallsBasic", "3", "Call", "0.0000214", "0.000"];
    assert!(rows.contains(&calls.to_vec()), "{}", run.out);
    assert_eq!(rows.last().unwrap()[0], "Total");
}

#[test]
fn bills_of_others_and_of_no_month() {
    let home = Home::with_store();
    let nobody =
        home.action("bill", &["--month", "2020-02", "--account", "2", "--output", "table"]);
    let (head, total) =
        ("Region  Item  Quantity  Unit  UnitPrice  Amount", format!("{:<41}0.000", "Total"));
    let expected = format!("Account 2, 2020-02 (UTC), in CNY\n\n{head}\n{total}\n");
    assert_eq!(nobody, Run::says(&expected));
    home.refuses(1, "InvalidParameter", "bill", &["--month", "2020-2", "--output", "json"]);
    home.refuses(1, "InvalidParameter", "bill", &["--month", "9999-12", "--output", "json"]);
    home.run(&["bill"]).usage("--month");
}
