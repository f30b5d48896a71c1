//! The commands, from the engine's table of actions.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use kmshsm::api::{ACTIONS, AdvanceClock, Descriptor, SimulatePolicy};
use kmshsm::kms::Action;
use kmshsm::model::WrappingAlgorithm;
use serde_json::Value;

use crate::login::with_login;
use crate::output::with_output;
use crate::{audit, backup, completions, doctor, import, manual, slot, verify};

const ABOUT: &str =
    "Alibaba Cloud's Managed HSM on this machine: keys, their lifecycle and their use";

const AFTER: &str = "\
Actions have the names and parameters of the KMS API (2016-01-20): kmshsm CreateKey --help.
A value file://PATH is the text of a file; fileb://PATH is the Base64 of its bytes. Base64 has no line
breaks (base64 -w0). A list is a JSON array, or options with numbers: --Tag.1.Key a --Tag.1.Value b.

Exit codes: 0 success, 1 argument, 2 access, 3 not found, 4 state of the key or the module, 5 cryptography,
6 store, 9 internal.";

const TICK: &str = "\
Destroys keys at the end of their waiting period and material that has expired, and makes the versions of
automatic rotation; answers how many. What a caller sees is right without it, but a key that nobody asks
for is destroyed only then: call it now and then, once a day from cron for example.";

const BILL: &str = "\
Prices are those of 2021, for every key version and day and for every call. Calls that another process has
made within the last second may be missing.";

/// The whole command line. Lists may be spelled as the wire does, `--Tag.1.Key`: which of these
/// options there are is told by the words of the line itself.
pub fn build(words: &[String]) -> Command {
    let init = with_place(Command::new("init").about("Create a store"))
        .arg(
            Arg::new("identity")
                .long("identity")
                .value_parser(["EC_P256", "EC_SM2"])
                .default_value("EC_P256")
                .help(
                    "The kind of the key pair that signs checkpoints of the audit trail for ever",
                ),
        )
        .after_help("With --key-file, a file that does not exist is made, with 32 random bytes.");
    let status =
        with_common(Command::new("status").about("Report how well this process protects keys"));
    let tick = with_common(Command::new("tick").about("Do what has fallen due in the whole store"))
        .after_help(TICK);
    let self_test = with_output(Command::new("self-test").about("Run every self-test"));
    let regions = with_output(Command::new("regions").about("List the regions and their classes"));
    let compliance = Command::new("compliance").about(
        "Run every self-test, and tell which algorithms run and are approved at level HSM of a region",
    );
    let compliance = with_output(compliance.arg(region()));
    Command::new("kmshsm")
        .about(ABOUT)
        .after_help(AFTER)
        .version(kmshsm::health::VERSION)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(init)
        .subcommand(status)
        .subcommand(tick)
        .subcommand(verify::command())
        .subcommand(doctor::command())
        .subcommand(slot::slots())
        .subcommand(slot::domain_keys())
        .subcommand(self_test)
        .subcommand(bill())
        .subcommand(regions)
        .subcommand(compliance)
        .subcommand(wrap())
        .subcommand(audit::command())
        .subcommand(backup::command())
        .subcommand(import::command())
        .subcommand(policy(words))
        .subcommand(completions::command())
        .subcommand(manual::command())
        .subcommands(
            ACTIONS
                .iter()
                .filter(|action| action.name != AdvanceClock::NAME)
                .map(|action| subcommand(action, words)),
        )
}

fn bill() -> Command {
    let command = with_login(with_common(Command::new("bill")))
        .about("Print what an account has used in a month, and what it costs");
    command
        .arg(
            Arg::new("month")
                .long("month")
                .value_name("YYYY-MM")
                .required(true)
                .help("The month, in UTC; the present one up to now"),
        )
        .arg(
            Arg::new("currency")
                .long("currency")
                .value_parser(["cny", "usd"])
                .ignore_case(true)
                .default_value("cny")
                .help("What amounts are in"),
        )
        .after_help(BILL)
}

/// Sentences in place of JSON.
fn policy(words: &[String]) -> Command {
    let simulate = ACTIONS.iter().find(|action| action.name == SimulatePolicy::NAME);
    let simulate = simulate.map(|action| {
        subcommand(action, words)
            .name("simulate")
            .override_usage("kmshsm policy simulate [OPTIONS] [PARAMETERS]")
            .mut_arg("output", |arg| arg.hide(true))
    });
    Command::new("policy")
        .about("Explain what policies decide")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(simulate)
}

fn wrap() -> Command {
    let file = |name: &'static str, help: &'static str| {
        let parser = value_parser!(PathBuf);
        Arg::new(name).long(name).value_name("FILE").value_parser(parser).help(help)
    };
    let algorithms: Vec<_> = WrappingAlgorithm::ALL.iter().map(|one| one.as_str()).collect();
    Command::new("wrap")
        .about("Wrap key material for ImportKeyMaterial, as its owner does; no store is needed")
        .arg(
            Arg::new("algorithm")
                .long("algorithm")
                .value_name("WORD")
                .required(true)
                .help(format!("As GetParametersForImport was told [{}]", algorithms.join(", "))),
        )
        .arg(file("public-key", "Its answer's PublicKey: DER, Base64 or PEM").required(true))
        .arg(
            file(
                "material",
                "The 16, 24 or 32 bytes of a symmetric key; for the last two algorithms a private \
                 key in PKCS #8, DER or PEM, for SM2PKE_SM4_ECB also the 32 bytes of its d",
            )
            .required(true),
        )
        .arg(file("out", "Where the wrapped material goes").default_value("-"))
        .arg(
            Arg::new("base64")
                .long("base64")
                .action(ArgAction::SetTrue)
                .help("Write Base64, as EncryptedKeyMaterial takes it"),
        )
        .after_help("A FILE - is standard input or output.")
}

/// The parameters of an action by name, and the numbered ones that were given.
pub fn parameters(action: &str, flags: &ArgMatches) -> Vec<String> {
    let found = ACTIONS.iter().find(|known| known.name == action).map(properties);
    let names = found.unwrap_or_default().into_iter().map(|(name, _)| name);
    let given = flags.ids().map(|id| id.as_str().to_owned());
    names.chain(given.filter(|name| name.contains('.'))).collect()
}

/// The words that a parameter of an action takes; none if it takes any text.
pub fn words_of(action: &str, parameter: &str) -> Vec<String> {
    let found = ACTIONS.iter().find(|known| known.name == action).map(properties);
    let found = found.unwrap_or_default().into_iter().find(|(name, _)| name == parameter);
    found.map_or(Vec::new(), |(_, schema)| match is_boolean(&schema) {
        true => ["true", "false"].map(str::to_owned).to_vec(),
        false => words(&schema).into_iter().map(str::to_owned).collect(),
    })
}

/// An option that has a default.
pub fn text<'a>(flags: &'a ArgMatches, name: &str) -> &'a str {
    given(flags, name).unwrap_or_default()
}

/// An option that may not be given, and that some commands do not have.
pub fn given<'a>(flags: &'a ArgMatches, name: &str) -> Option<&'a str> {
    flags.try_get_one::<String>(name).ok().flatten().map(String::as_str)
}

fn subcommand(action: &Descriptor, line: &[String]) -> Command {
    let schema = (action.schema)();
    let about = describe(schema.as_value());
    let usage = format!("kmshsm {} [OPTIONS] [PARAMETERS]", action.name);
    let mut command = with_session(Command::new(action.name).about(about).override_usage(usage));
    let required: Vec<_> = texts(schema.get("required")).collect();
    for (name, schema) in properties(action) {
        let mut help = describe(&schema);
        if is_binary(&schema) {
            help.push_str(" [Base64]");
        }
        let words: Vec<_> = words(&schema);
        if !words.is_empty() {
            help = format!("{help} [{}]", words.join(", "));
        }
        if required.contains(&name.as_str()) {
            help.push_str(" [required]");
        }
        if is_list(&schema) {
            let numbered = numbered(&name, line);
            command = command.args(numbered.into_iter().map(|name| parameter(name).hide(true)));
        }
        let mut arg = parameter(name).help(help).help_heading("Parameters");
        if is_boolean(&schema) {
            // It is no flag, and takes no option for its value.
            arg = arg.value_name("true|false").allow_hyphen_values(false);
        }
        command = command.arg(arg);
    }
    command
}

fn parameter(name: String) -> Arg {
    Arg::new(name.clone()).long(name).value_name("VALUE").allow_hyphen_values(true)
}

/// The words among these that are options for an item of a list, as `Name.1` or `Name.1.Field`.
fn numbered(list: &str, line: &[String]) -> BTreeSet<String> {
    let options = line.iter().filter_map(|word| word.strip_prefix("--"));
    let names = options.map(|option| option.split_once('=').map_or(option, |(name, _)| name));
    let is_item = |name: &&str| {
        let rest = name.strip_prefix(list).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    names.filter(is_item).map(str::to_owned).collect()
}

fn properties(action: &Descriptor) -> Vec<(String, Value)> {
    let schema = (action.schema)();
    let properties = schema.get("properties").and_then(Value::as_object).cloned();
    properties.unwrap_or_default().into_iter().collect()
}

fn describe(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.replace('\n', " ")
}

fn words(schema: &Value) -> Vec<&str> {
    let own = schema.get("enum").into_iter();
    let inner = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let all = own.chain(inner.filter_map(|option| option.get("enum")));
    all.flat_map(|words| texts(Some(words))).collect()
}

/// Whether it is a list.
fn is_list(schema: &Value) -> bool {
    types(schema).any(|name| name == "array")
}

fn is_boolean(schema: &Value) -> bool {
    types(schema).any(|name| name == "boolean")
}

fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let own = schema.get("type");
    texts(own).chain(own.and_then(Value::as_str))
}

/// Whether it is bytes.
fn is_binary(schema: &Value) -> bool {
    schema.get("format").and_then(Value::as_str) == Some("base64")
}

/// The texts of a list.
fn texts(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// What an action needs besides: who calls, and where.
pub fn with_session(command: Command) -> Command {
    let command = with_login(with_common(command)).arg(region()).args(auditing());
    command.arg(Arg::new("quotas").long("quotas").value_name("QUOTAS").help(
        "Refuse more keys, aliases, versions and tags than these: service, a JSON object, \
                     or file://PATH. Its rates do nothing: each command is a process of its own",
    ))
}

/// What the audit trail records of this command.
fn auditing() -> [Arg; 2] {
    [
        Arg::new("audit")
            .long("audit")
            .value_parser(["off", "denied", "all"])
            .default_value("off")
            .help("Record the use of keys in the audit trail: refused for lack of permission, failed, all"),
        Arg::new("strict-audit")
            .long("strict-audit")
            .action(ArgAction::SetTrue)
            .help("Answer only when the event of the call is on disk"),
    ]
}

fn region() -> Arg {
    Arg::new("region").long("region").default_value("cn-hongkong").help("The region")
}

/// What every command on a store has.
pub fn with_common(command: Command) -> Command {
    with_output(
        with_place(command).args(past()).arg(
            Arg::new("allow-unprotected-memory")
                .long("allow-unprotected-memory")
                .action(ArgAction::SetTrue)
                .help("Use keys at level HSM although memory cannot be locked"),
        ),
    )
}

/// What is known of the past of the store.
fn past() -> [Arg; 3] {
    [
        Arg::new("anchor")
            .long("anchor")
            .value_name("FILE")
            .env("KMSHSM_ANCHOR")
            .hide_env_values(true)
            .value_parser(value_parser!(PathBuf))
            .help(
                "Refuse changes if the store is behind what this file remembers; made if need be",
            ),
        Arg::new("min-generation")
            .long("min-generation")
            .value_name("N")
            .value_parser(value_parser!(u64))
            .help("Refuse changes if the store is behind this generation"),
        Arg::new("accept-rollback")
            .long("accept-rollback")
            .action(ArgAction::SetTrue)
            .help("Take a store that is behind as it is: a new line of changes begins"),
    ]
}

fn with_place(command: Command) -> Command {
    let path = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf)).help(help)
    };
    let env = |arg: Arg, name: &'static str| arg.env(name).hide_env_values(true);
    command
        .arg(env(
            path("store", "DIR", "The store [default: kmshsm in the user's data directory]"),
            "KMSHSM_STORE",
        ))
        .arg(path("key-file", "FILE", "Unlock with the 32 bytes of a key file"))
        .arg(env(
            path("passphrase-file", "FILE", "Read the passphrase from a file"),
            "KMSHSM_PASSPHRASE_FILE",
        ))
        .arg(
            Arg::new("passphrase-fd")
                .long("passphrase-fd")
                .value_name("N")
                .value_parser(value_parser!(i32).range(0..))
                .help("Read the passphrase from a file descriptor"),
        )
        .arg(
            path("share", "FILE", "Unlock with shares, each from a file of its own")
                .action(ArgAction::Append),
        )
}
