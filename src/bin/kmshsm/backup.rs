//! `kmshsm backup`: backups of the store, and what comes of them.

mod shares;

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use kmshsm::audit::PublicKey;
use kmshsm::error::{Error, ErrorCode, Result};
use kmshsm::kms::backup::{
    BackupRequest, Created, Quorum, Restoration, Secret, restore, verify_backup,
};
use kmshsm::kms::{RecipientKey, Share};
use kmshsm::model::KeyId;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::command::with_common;
use crate::output::progress::Progress;
use crate::output::{Output, with_output};
use crate::secrets::{self, Chosen};
use crate::{answer, store, wrap};

const CREATE: &str = "\
The store goes on being used meanwhile. The key of the backup is encrypted to each --recipient, split into --shares,
or both. Shares are shown once on the terminal, one after the other, unless they go to --share-dir, a file each; with
--custodian, one for each share, they go there encrypted, and openssl pkeyutl -decrypt opens them. Keep no two shares
in one place.";

const VERIFY: &str = "\
Exit code 0: the backup is to the last byte as the store has signed it; with a secret, every record in it opens.
Without --public-key the key that is in the backup is taken: compare KeyFingerprint with what kmshsm audit key says of
the store, or anybody may have made the backup.";

const RESTORE: &str = "\
Makes a store of the backup, with the same keys, users and audit trail, that a new secret opens; there is all of it,
or nothing. Do not go on with both the old store and the restored one. Keys destroyed since the backup was made come
back, unless --newer is a later backup, or they are destroyed again: kmshsm backup restore-keys into a store that still
has their tombstones leaves them out.";

const RESTORE_KEYS: &str = "\
Restores keys into the store, all without --key, with versions, tags, policies and aliases. Keys that the store has
stay as they are, and those that it has destroyed stay destroyed: LeftOut tells which, and why.";

/// The command and those below it.
pub fn command() -> Command {
    let create = with_common(Command::new("create").about("Make a backup of the store"))
        .arg(file("The new file"))
        .args([
            path("recipient", "FILE", "A public key (RSA, SM2) that can open it, in PEM or DER")
                .action(ArgAction::Append),
            Arg::new("shares")
                .long("shares")
                .value_name("M/N")
                .help("Split its key into N shares, any M of which open it"),
            path("custodian", "FILE", "Encrypt a share to this public key; one for each share")
                .action(ArgAction::Append)
                .requires_all(["shares", "share-dir"]),
            path("share-dir", "DIR", "Write each share into a file of its own in this directory")
                .requires("shares"),
            Arg::new("include-imported")
                .long("include-imported")
                .action(ArgAction::SetTrue)
                .help("Take keys of origin EXTERNAL into it, too"),
        ])
        .group(ArgGroup::new("for").args(["recipient", "shares"]).multiple(true).required(true))
        .after_help(CREATE);
    let verify = with_output(with_secret(Command::new("verify").about("Verify a backup")))
        .after_help(VERIFY);
    let restore = secrets::with_new(with_secret(Command::new("restore")))
        .about("Make a store of a backup")
        .arg(path("into", "DIR", "The directory of the new store").required(true))
        .arg(path("newer", "FILE", "A later backup: what was destroyed by then stays so"))
        .arg(path("newer-share", "FILE", "A share of that one's key").action(ArgAction::Append))
        .arg(path("newer-private-key", "FILE", "The private key of a recipient of that one"))
        .after_help(RESTORE);
    let restore_keys =
        with_common(with_secret(Command::new("restore-keys").about("Restore keys into the store")))
            .arg(
                Arg::new("key")
                    .long("key")
                    .value_name("ID")
                    .action(ArgAction::Append)
                    .help("The id of a key that is to be restored"),
            )
            .after_help(RESTORE_KEYS);
    Command::new("backup")
        .about("Backups of the store")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([create, verify, with_output(restore), restore_keys])
}

fn file(help: &'static str) -> Arg {
    Arg::new("file")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .required(true)
        .help(help)
}

fn path(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf)).help(help)
}

/// The backup, and what opens it.
fn with_secret(command: Command) -> Command {
    command
        .arg(file("The backup"))
        .arg(path(
            "public-key",
            "FILE",
            "The store's public key that you trust: DER, Base64 or PEM",
        ))
        .arg(
            path("backup-share", "FILE", "A share of its key, in words; - asks for them")
                .action(ArgAction::Append),
        )
        .arg(path("private-key", "FILE", "The private key of a recipient: PKCS #8, DER or PEM"))
        .arg(path("backup-key", "FILE", "The 32 bytes of its key, decrypted outside"))
        .group(ArgGroup::new("secret").args(["backup-share", "private-key", "backup-key"]))
}

/// Does what the command below says.
pub fn run(flags: &ArgMatches, output: Output) -> Result<()> {
    match flags.subcommand() {
        Some(("create", flags)) => create(flags, output),
        Some(("verify", flags)) => {
            let mut progress = Progress::new("records verified");
            let opened = Opened::read(flags)?;
            let trusted = trusted(flags)?;
            let verified = verify_backup(
                backup(flags),
                trusted.as_ref(),
                opened.as_ref().map(Opened::secret).as_ref(),
                &mut |done, total| progress.show(done, total),
            );
            drop(progress);
            answer(output, &verified?)
        }
        Some(("restore", flags)) => restore_store(flags, output),
        Some(("restore-keys", flags)) => restore_keys(flags, output),
        _ => Err(Error::missing("action")),
    }
}

fn create(flags: &ArgMatches, output: Output) -> Result<()> {
    let recipients = shares::recipients(flags, "recipient", "--recipient")?;
    let custodians = shares::recipients(flags, "custodian", "--custodian")?;
    let quorum = flags.get_one::<String>("shares").map(|text| {
        secrets::quorum_of("--shares", text).map(|(threshold, count)| Quorum { threshold, count })
    });
    let quorum = quorum.transpose()?;
    let outlet = shares::Outlet::choose(flags, quorum, custodians)?;
    let kms = store::open(flags)?;
    let request = BackupRequest {
        recipients: &recipients,
        shares: quorum,
        include_imported: flags.get_flag("include-imported"),
    };
    let mut progress = Progress::new("records backed up");
    let created = kms.create_backup(backup(flags), &request, &mut |done, total| {
        progress.show(done, total);
    });
    drop(progress);
    let Created { manifest, shares } = created?;
    answer(output, &manifest)?;
    outlet.give(&shares).inspect_err(|_| {
        // Nobody has its key.
        if recipients.is_empty() {
            let _ = std::fs::remove_file(backup(flags));
        }
    })
}

fn restore_store(flags: &ArgMatches, output: Output) -> Result<()> {
    let opened = Opened::needed(flags)?;
    let newer = flags.get_one::<PathBuf>("newer");
    let opened_newer = newer.map(|path| Opened::of_newer(flags, path)).transpose()?;
    let newer = newer.zip(opened_newer.as_ref());
    let trusted = trusted(flags)?;
    let chosen = secrets::choose_new(flags)?;
    let restoration = Restoration {
        backup: backup(flags),
        secret: opened.secret(),
        public_key: trusted.as_ref(),
        place: path_of(flags, "into"),
        unlock: &chosen.unlock(),
        newer: newer.map(|(path, opened)| (path.as_path(), opened.secret())),
    };
    let was_there = restoration.place.exists();
    let mut progress = Progress::new("records restored");
    let restored = restore(&restoration, &mut |done, total| progress.show(done, total));
    drop(progress);
    let restored = restored.inspect_err(|_| {
        // What fails last leaves a store, and the file opens it.
        if was_there || !restoration.place.exists() {
            chosen.forget();
        }
    })?;
    let mut told = serde_json::to_value(&restored).map_err(|_| ErrorCode::Internal)?;
    if let (Chosen::Shares(shares), Some(told)) = (&chosen, told.as_object_mut()) {
        let words = shares.iter().map(|share| Ok(share.words()?.as_str().into()));
        told.insert("Shares".to_owned(), words.collect::<Result<Vec<Value>>>()?.into());
    }
    answer(output, &told)
}

fn restore_keys(flags: &ArgMatches, output: Output) -> Result<()> {
    let wanted = flags.get_many::<String>("key").into_iter().flatten().map(|id| {
        KeyId::parse(id).ok_or_else(|| Error::invalid("--key", "It must be the id of a key."))
    });
    let wanted = wanted.collect::<Result<Vec<_>>>()?;
    let (opened, trusted) = (Opened::needed(flags)?, trusted(flags)?);
    let kms = store::open(flags)?;
    let mut progress = Progress::new("records looked at");
    let restored = kms.restore_keys(
        backup(flags),
        trusted.as_ref(),
        &opened.secret(),
        &wanted,
        &mut |done, total| progress.show(done, total),
    );
    drop(progress);
    answer(output, &restored?)
}

fn backup(flags: &ArgMatches) -> &Path {
    path_of(flags, "file")
}

fn path_of<'a>(flags: &'a ArgMatches, name: &str) -> &'a Path {
    flags.get_one::<PathBuf>(name).map_or(Path::new(""), PathBuf::as_path)
}

fn trusted(flags: &ArgMatches) -> Result<Option<PublicKey>> {
    let key = flags.get_one::<PathBuf>("public-key");
    key.map(|path| PublicKey::from_spki(&wrap::der(&wrap::read("--public-key", path)?))).transpose()
}

/// What opens a backup.
enum Opened {
    Shares(Vec<Share>),
    PrivateKey(Box<RecipientKey>),
    BackupKey(Zeroizing<[u8; 32]>),
}

impl Opened {
    fn secret(&self) -> Secret<'_> {
        match self {
            Self::Shares(shares) => Secret::Shares(shares),
            Self::PrivateKey(key) => Secret::PrivateKey(key),
            Self::BackupKey(key) => Secret::BackupKey(key),
        }
    }

    /// What the options name, if any does.
    fn read(flags: &ArgMatches) -> Result<Option<Self>> {
        if let Some(path) = flags.get_one::<PathBuf>("private-key") {
            return Self::private_key("--private-key", path).map(Some);
        }
        if let Some(path) = flags.get_one::<PathBuf>("backup-key") {
            let bytes = secrets::contents("--backup-key", path)?;
            let key = <[u8; 32]>::try_from(bytes.as_slice());
            let key = key.map_err(|_| Error::invalid("--backup-key", "It must be 32 bytes."))?;
            return Ok(Some(Self::BackupKey(Zeroizing::new(key))));
        }
        let shares = flags.get_many::<PathBuf>("backup-share");
        shares.map(|paths| shares::read(backup(flags), paths).map(Self::Shares)).transpose()
    }

    /// The same, or else shares that are asked for.
    fn needed(flags: &ArgMatches) -> Result<Self> {
        match Self::read(flags)? {
            Some(opened) => Ok(opened),
            None => shares::ask(backup(flags)).map(Self::Shares),
        }
    }

    fn of_newer(flags: &ArgMatches, newer: &Path) -> Result<Self> {
        if let Some(path) = flags.get_one::<PathBuf>("newer-private-key") {
            return Self::private_key("--newer-private-key", path);
        }
        match flags.get_many::<PathBuf>("newer-share") {
            Some(paths) => shares::read(newer, paths).map(Self::Shares),
            None => shares::ask(newer).map(Self::Shares),
        }
    }

    fn private_key(option: &'static str, path: &Path) -> Result<Self> {
        let key = RecipientKey::read(&secrets::contents(option, path)?);
        key.map(Box::new).map(Self::PrivateKey).map_err(|error| error.about(option))
    }
}
