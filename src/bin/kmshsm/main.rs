//! `kmshsm`: every action of the KMS API from the command line, with the API's own names.
//!
//! `kmshsm CreateKey --ProtectionLevel HSM --Description "Key1 in Managed HSM"`
//!
//! There is no code per action here: commands, options and help come from the engine's table.

mod audit;
mod backup;
mod bill;
mod command;
mod completions;
mod doctor;
mod events;
mod import;
mod interrupt;
mod login;
mod manual;
mod output;
mod policy;
mod secrets;
mod slot;
mod store;
mod system;
mod verify;
mod wrap;

use std::process::ExitCode;

use clap::ArgMatches;
use clap::error::ErrorKind;
use kmshsm::api::{self, Params};
use kmshsm::error::{Error, ErrorCode, Result};
use kmshsm::kms;
use kmshsm::model::{REGIONS, Region};
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use output::Output;

/// Where commands are sent that are about no region in particular.
const ANY_REGION: &str = "cn-hongkong";

fn main() -> ExitCode {
    let words = std::env::args_os().skip(1).filter_map(|word| word.into_string().ok());
    let words: Vec<_> = words.collect();
    let matches = match command::build(&words).try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            output::usage(&error, &words);
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(1),
            };
        }
    };
    let output = Output::of(&matches);
    match run(&matches, output) {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            // The family: 1 argument, 2 access, 3 not found, 4 state, 5 crypto, 6 storage, 9 internal.
            ExitCode::from((error.code().number() / 100) as u8)
        }
    }
}

fn run(matches: &ArgMatches, output: Output) -> Result<ExitCode> {
    let Some((name, flags)) = matches.subcommand() else {
        return Err(Error::missing("action"));
    };
    match name {
        "doctor" => doctor::run(flags, output),
        _ => work(name, flags, output).map(|()| ExitCode::SUCCESS),
    }
}

fn work(name: &str, flags: &ArgMatches, output: Output) -> Result<()> {
    match name {
        "completions" => return completions::run(flags),
        "man" => return manual::run(flags),
        "self-test" => return self_test(output),
        "wrap" => return wrap::run(flags),
        "regions" => return answer(output, &json!({ "regions": REGIONS })),
        "compliance" => return compliance(flags, output),
        _ => {}
    }
    if let ("policy", Some((_, flags))) = (name, flags.subcommand()) {
        return output::print(&policy::explain(&call(flags, policy::SIMULATE)?)?);
    }
    if let ("import", Some((_, flags))) = (name, flags.subcommand()) {
        let session = login::session(&store::open(flags)?, flags, command::text(flags, "region"))?;
        return answer(output, &import::run(flags, &session)?);
    }
    match name {
        "audit" => return audit::run(flags, output),
        "backup" => return backup::run(flags, output),
        _ => {}
    }
    match name {
        "init" => store::init(flags),
        "slot" => slot::run(flags, output),
        "domain-key" => slot::rotate(flags, output),
        "verify" => verify::run(flags, output),
        "status" => answer(output, &store::open(flags)?.status()),
        "tick" => answer(output, &store::open(flags)?.tick()?),
        "bill" => {
            let session = login::session(&store::open(flags)?, flags, ANY_REGION)?;
            bill::run(flags, &session, output)
        }
        action => output.answer(&call(flags, action)?),
    }
}

/// Does an action and answers its JSON.
fn call(flags: &ArgMatches, action: &str) -> Result<Zeroizing<String>> {
    let params = params(flags, action)?;
    let session = login::session(&store::open(flags)?, flags, command::text(flags, "region"))?;
    api::dispatch(&session, action, params)
}

fn answer(output: Output, answer: &impl Serialize) -> Result<()> {
    output.answer(&serde_json::to_string(answer).map_err(|_| ErrorCode::Internal)?)
}

fn self_test(output: Output) -> Result<()> {
    let report = kms::self_test();
    answer(output, &report)?;
    match report.passed {
        true => Ok(()),
        false => Err(Error::new(ErrorCode::ErrorState).because("A self-test failed.")),
    }
}

fn compliance(flags: &ArgMatches, output: Output) -> Result<()> {
    let list = kms::compliance(Region::find(command::text(flags, "region"))?);
    let mut rows = serde_json::to_value(&list).map_err(|_| ErrorCode::Internal)?;
    if output.is_json() {
        return answer(output, &rows);
    }
    // For people it comes last: what they have just read is no certificate.
    rows.as_object_mut().and_then(|members| members.shift_remove("statement"));
    answer(output, &rows)?;
    output::print(&format!("\n{}\n", list.statement))
}

/// The parameters given to an action. `file://PATH` stands for the text of a file, `fileb://PATH`
/// for the Base64 of its bytes.
fn params(flags: &ArgMatches, action: &str) -> Result<Params> {
    let mut params = Params::new();
    for name in command::parameters(action, flags) {
        if let Some(value) = flags.get_one::<String>(&name) {
            let value = secrets::parameter(&name, value)?;
            params.push(name, value);
        }
    }
    Ok(params)
}
