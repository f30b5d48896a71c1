//! Unlock slots, the root key behind them, and domain keys.

use clap::{Arg, ArgMatches, Command, value_parser};
use kmshsm::api::operate;
use kmshsm::error::{Error, Result};
use kmshsm::kms::{Kms, Unlock};
use serde_json::json;

use crate::command::with_common;
use crate::output::Output;
use crate::output::progress::Progress;
use crate::secrets::{self, Chosen};
use crate::{answer, store};

const SLOTS: &str = "\
A slot holds the root key under a passphrase, a key file or shares, and any one of them opens the store. Adding,
replacing and removing slots touches no keys. Who has had a secret and a copy of the store can still open that copy:
after a secret has become known, replace the root key with kmshsm slot rekey.";

const NEW: &str = "\
Without an option for it, a new passphrase is asked for. With --new-key-file, a file that does not exist is made, with
32 random bytes. Shares are printed once and are nowhere else: give each to another person. Where they take the place of
another secret they are printed first, and are of use only if the command succeeds.";

const REKEY: &str = "\
Makes a new root key: only the new secret opens the store from then on, all other slots go, and everything is
sealed anew under a new domain key. Programs that have the store open must open it again before they can change
anything. Old copies of the store still open with old secrets.";

const DOMAIN_KEY: &str = "\
Everything that is stored is sealed under domain keys. A new one seals what is written from now on; then all the
rest is sealed anew and the older ones are destroyed, so that what has been deleted cannot be read in old copies of its
record either. No data encrypted by the store's keys is touched. kmshsm tick does the same by itself: within a
day of a deletion, and once in 30 days.";

/// The command `slot` and those below it.
pub fn slots() -> Command {
    let number = || {
        Arg::new("slot")
            .value_name("N")
            .required(true)
            .value_parser(value_parser!(u8))
            .help("The number of the slot")
    };
    let below =
        |name: &'static str, about: &'static str| with_common(Command::new(name).about(about));
    let with_new = |command: Command| secrets::with_new(command).after_help(NEW);
    Command::new("slot")
        .about("The secrets that open the store")
        .after_help(SLOTS)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(below("list", "List the slots and what opens them"))
        .subcommand(with_new(below("add", "Have one more secret open the store")))
        .subcommand(with_new(below("replace", "Have another secret open a slot")).arg(number()))
        .subcommand(below("remove", "Have a secret open the store no more").arg(number()))
        .subcommand(
            secrets::with_new(below("rekey", "Replace the root key behind the slots"))
                .after_help(format!("{REKEY}\n\n{NEW}")),
        )
}

/// The command `domain-key` and those below it.
pub fn domain_keys() -> Command {
    let rotate = Command::new("rotate").about("Seal everything anew under a new domain key");
    Command::new("domain-key")
        .about("The keys under which everything is stored")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(with_common(rotate).after_help(DOMAIN_KEY))
}

/// Does what the command below `slot` says.
pub fn run(flags: &ArgMatches, output: Output) -> Result<()> {
    let Some((name, flags)) = flags.subcommand() else { return Err(Error::missing("action")) };
    let kms = store::open(flags)?;
    let number = || flags.get_one::<u8>("slot").copied().unwrap_or_default();
    match name {
        "list" => output.answer(&operate(&kms, "ListUnlockSlots", None)?),
        "add" => with_secret(flags, output, None, |unlock| kms.add_unlock_slot(unlock)),
        "replace" => with_secret(flags, output, Some(number()), |unlock| {
            kms.replace_unlock_slot(number(), unlock).map(|()| number())
        }),
        "remove" => {
            kms.remove_unlock_slot(number())?;
            answer(output, &json!({ "Slot": number() }))
        }
        _ => {
            with_secret(flags, output, Some(0), |unlock| {
                kms.rekey_root(std::slice::from_ref(unlock)).map(|()| 0)
            })?;
            reseal(&kms)
        }
    }
}

/// A key file that has been made stays, whatever fails: it may be all that opens the store.
fn with_secret(
    flags: &ArgMatches,
    output: Output,
    replaced: Option<u8>,
    put: impl FnOnce(&Unlock<'_>) -> Result<u8>,
) -> Result<()> {
    let chosen = secrets::choose_new(flags)?;
    let told = |slot| match &chosen {
        Chosen::Shares(shares) => {
            let words = shares.iter().map(|share| share.words());
            let words = words.collect::<Result<Vec<_>>>()?;
            let words: Vec<&str> = words.iter().map(|words| words.as_str()).collect();
            answer(output, &json!({ "Slot": slot, "Shares": words }))
        }
        Chosen::Secret(_) => answer(output, &json!({ "Slot": slot })),
    };
    if let (Chosen::Shares(_), Some(slot)) = (&chosen, replaced) {
        // Killed in between, there is somebody who can open the store.
        told(slot)?;
        return put(&chosen.unlock()).map(drop);
    }
    told(put(&chosen.unlock())?)
}

/// Does what the command below `domain-key` says.
pub fn rotate(flags: &ArgMatches, output: Output) -> Result<()> {
    let Some((_, flags)) = flags.subcommand() else { return Err(Error::missing("action")) };
    let kms = store::open(flags)?;
    let number = kms.rotate_domain_key()?;
    reseal(&kms)?;
    answer(output, &json!({ "DomainKey": number }))
}

/// Seals everything anew. Whoever is interrupted leaves the rest to the next tick.
fn reseal(kms: &Kms) -> Result<()> {
    let mut progress = Progress::new("records sealed anew");
    let mut records = 0;
    loop {
        let step = kms.reseal()?;
        records += step.records;
        progress.show(records, step.total);
        if step.is_done {
            return Ok(());
        }
    }
}
