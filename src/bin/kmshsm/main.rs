//! `kmshsm`: every action of the KMS API from the command line, with the API's own names.
//!
//! `kmshsm CreateKey --ProtectionLevel HSM --Description "Key1 in Managed HSM"`
//!
//! There is no code per action here: commands, options and help come from the engine's table.

mod audit;
mod bill;
mod command;
mod output;
mod policy;
mod secrets;
mod wrap;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ArgMatches;
use clap::error::ErrorKind;
use kmshsm::api::{self, Params};
use kmshsm::error::{Error, ErrorCode, Result};
use kmshsm::kms::{self, Kms, Options, Place, Quotas};
use kmshsm::model::{REGIONS, Region};
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use output::Output;

/// Where commands are sent that are about no region in particular.
const ANY_REGION: &str = "cn-hongkong";

fn main() -> ExitCode {
    let words = std::env::args_os().skip(1).filter_map(|word| word.into_string().ok());
    let matches = match command::build(&words.collect::<Vec<_>>()).try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(1),
            };
        }
    };
    let output = Output::of(&matches);
    match run(&matches, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            // The family: 1 argument, 2 access, 3 not found, 4 state, 5 crypto, 6 storage, 9 internal.
            ExitCode::from((error.code().number() / 100) as u8)
        }
    }
}

fn run(matches: &ArgMatches, output: Output) -> Result<()> {
    let Some((name, flags)) = matches.subcommand() else {
        return Err(Error::missing("action"));
    };
    match name {
        "self-test" => return self_test(output),
        "wrap" => return wrap::run(flags),
        "regions" => return answer(output, &json!({ "regions": REGIONS })),
        "compliance" => return compliance(flags, output),
        _ => {}
    }
    if let ("policy", Some((_, flags))) = (name, flags.subcommand()) {
        return output::print(&policy::explain(&call(flags, policy::SIMULATE)?)?);
    }
    if name == "audit" {
        return audit::run(flags, output);
    }
    let place = place(flags)?;
    match name {
        "init" => init(flags, &place),
        "status" => answer(output, &open(flags, &place, Quotas::default())?.status()),
        "tick" => answer(output, &open(flags, &place, Quotas::default())?.tick()?),
        "bill" => {
            let session = open(flags, &place, Quotas::default())?
                .session(command::text(flags, "account"), ANY_REGION)?;
            bill::run(flags, &session, output)
        }
        action => output.answer(&call(flags, action)?),
    }
}

/// Does an action and answers its JSON.
fn call(flags: &ArgMatches, action: &str) -> Result<Zeroizing<String>> {
    let params = params(flags, action)?;
    let session = open(flags, &place(flags)?, quotas(flags)?)?
        .session(command::text(flags, "account"), command::text(flags, "region"))?;
    api::dispatch(&session, action, params)
}

fn init(flags: &ArgMatches, place: &Path) -> Result<()> {
    if let Some(parent) = place.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)
            .map_err(|error| Error::invalid("--store", format!("{}: {error}", parent.display())))?;
    }
    let secret = secrets::choose(flags)?;
    Kms::create(place, &secret.unlock()).inspect_err(|_| secret.forget())?;
    output::print(&secret.made().map_or(String::new(), |path| {
        format!("Made the key file {}: without it nothing opens the store.\n", path.display())
    }))?;
    output::print(&format!("Created a store in {}.\n", place.display()))
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
    if output == Output::Json {
        return answer(output, &rows);
    }
    // For people it comes last: what they have just read is no certificate.
    rows.as_object_mut().and_then(|members| members.shift_remove("statement"));
    answer(output, &rows)?;
    output::print(&format!("\n{}\n", list.statement))
}

fn open(flags: &ArgMatches, place: &Path, quotas: Quotas) -> Result<std::sync::Arc<Kms>> {
    let allow_unprotected_memory = flags.get_flag("allow-unprotected-memory");
    // A command is over before its first second is: rates would only refuse what they set to 0.
    let quotas = Quotas { requests_per_second: None, ..quotas };
    let options = Options { allow_unprotected_memory, quotas, ..Options::default() };
    if !place.exists() {
        let detail = format!("Create one with: kmshsm init --store {}", place.display());
        return Err(Error::new(ErrorCode::StoreNotFound).because(detail));
    }
    let secret = secrets::ask(flags)?;
    Place::Directory(place).open(Some(&secret.unlock()), options)
}

/// The quotas of an action: `service`, a JSON object, or the file of one.
fn quotas(flags: &ArgMatches) -> Result<Quotas> {
    match flags.get_one::<String>("quotas") {
        Some(given) => Quotas::parse(&secrets::parameter("quotas", given)?),
        None => Ok(Quotas::default()),
    }
}

/// The store's directory: `--store`, or `kmshsm` among the user's data.
fn place(flags: &ArgMatches) -> Result<PathBuf> {
    if let Some(place) = flags.get_one::<PathBuf>("store") {
        if place.to_string_lossy().starts_with("memory:") {
            let detail = "A store in memory is gone with the command: give a directory.";
            return Err(Error::invalid("--store", detail));
        }
        return Ok(place.clone());
    }
    let data = std::env::var_os("XDG_DATA_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let home = std::env::var_os("HOME").filter(|dir| !dir.is_empty());
    let home = || home.map(|home| PathBuf::from(home).join(".local/share"));
    match data.or_else(home) {
        Some(data) => Ok(data.join("kmshsm")),
        None => Err(Error::missing("--store")),
    }
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
