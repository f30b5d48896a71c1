//! `kmshsm regions` and `kmshsm compliance`, which need no store.

use kmshsm::model::REGIONS;
use serde_json::Value;

use crate::home::*;

fn table(args: &[&str]) -> String {
    let run = Home::empty().run(&[args, &["--output", "table"]].concat());
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    run.out
}

/// The width of a text on a terminal, if it has ASCII, Chinese and full-width characters only.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

#[test]
fn regions_are_listed_with_both_their_names() {
    let listed = Home::empty().run(&["regions"]).answer();
    let rows = listed["regions"].as_array().unwrap();
    assert_eq!(rows.len(), REGIONS.len());
    for (row, region) in rows.iter().zip(REGIONS) {
        let fields = [region.id, region.partition.as_str(), region.profile.as_str(), region.name];
        let fields = [&fields[..], &[region.city, region.name_zh, region.city_zh]].concat();
        let names = ["id", "partition", "profile", "name", "city", "name_zh", "city_zh"];
        for (name, expected) in names.iter().zip(fields) {
            assert_eq!(row[name], expected, "{}", region.id);
        }
    }
    let finance = rows.iter().find(|row| row["id"] == "cn-hangzhou-finance").unwrap();
    assert_eq!(finance["name_zh"], "华东1（杭州金融云）");
    assert_eq!(finance["partition"], "finance");
}

/// Chinese characters are two columns wide, and the columns behind them stand in one line.
#[test]
fn tables_are_aligned() {
    let text = table(&["regions"]);
    let lines: Vec<_> = text.lines().skip_while(|line| !line.starts_with("id ")).collect();
    assert_eq!(lines.len(), 28);
    let at = lines[0].find("city_zh").unwrap();
    for (line, region) in lines[1..].iter().zip(REGIONS) {
        let city = line.strip_suffix(region.city_zh).unwrap();
        assert_eq!(width(city), at, "{line}");
    }
}

#[test]
fn compliance_tells_what_is_approved_where() {
    for (region, profile, aes, sm4, rsa) in [
        ("cn-hongkong", "FIPS", "approved", "not offered", "approved"),
        ("cn-north-2-gov-1", "GM", "allowed", "approved", "allowed"),
        ("eu-west-1", "none", "not offered", "not offered", "not offered"),
    ] {
        let list = Home::empty().run(&["compliance", "--region", region]).answer();
        assert_eq!((&list["region"], &list["profile"]), (&region.into(), &profile.into()));
        assert_eq!(list["validated"], false);
        let row = |name: &str| {
            let rows = list["functions"].as_array().unwrap();
            rows.iter().find(|row| row["function"] == name).unwrap().clone()
        };
        for (name, state) in [
            ("AES-GCM envelope", aes),
            ("SM4-GCM envelope", sm4),
            ("RSA-PSS signature, SHA-256", rsa),
        ] {
            assert_eq!(row(name)["state"], state, "{region} {name}");
            assert_eq!(row(name)["result"], "passed");
        }
        assert_eq!(row("SM2 signature")["self_tests"], Value::from(vec!["sm2-sign"]));
        assert_eq!(row("SM2 signature")["standard"], "GB/T 32918.2");
    }
}

#[test]
fn compliance_ends_with_what_it_is_not() {
    let text = table(&["compliance"]);
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("Nothing here is validated or certified"), "{text}");
    assert_eq!(text.matches("validated or certified").count(), 1);
    assert!(text.contains("aes-128-gcm, aes-192-gcm"), "{text}");
}

#[test]
fn compliance_is_of_a_region() {
    Home::empty().run(&["compliance", "--region", "mars"]).refusal(1, "InvalidParameter");
}
