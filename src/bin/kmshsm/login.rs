//! Who calls: an account, or one of its users by an access key, and what the operator vouches for.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command, value_parser};
use kmshsm::error::Result;
use kmshsm::kms::{Kms, LoginRequest, Session};
use serde_json::json;

use crate::{command, secrets};

/// Whose root calls if nobody is named.
const ACCOUNT: &str = "111122223333";

const HEADING: &str = "Who calls";

/// The options of a login.
pub fn with_login(command: Command) -> Command {
    let truth = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("true|false")
            .value_parser(value_parser!(bool))
            .help(help)
    };
    let path = value_parser!(PathBuf);
    let env = |arg: Arg, name: &'static str| arg.env(name).hide_env_values(true);
    let options = [
        Arg::new("account")
            .long("account")
            .help(format!("The account [default: {ACCOUNT}, or that of the access key]")),
        env(
            Arg::new("access-key-id").long("access-key-id").value_name("ID").help(
                "Call as the user of this access key, and not as the account itself; its secret is \
                 asked for if no option says where it is",
            ),
            "KMSHSM_ACCESS_KEY_ID",
        ),
        env(
            Arg::new("access-key-secret-file")
                .long("access-key-secret-file")
                .value_name("FILE")
                .value_parser(path)
                .help("Read the access key's secret from a file"),
            "KMSHSM_ACCESS_KEY_SECRET_FILE",
        ),
        Arg::new("access-key-secret-fd")
            .long("access-key-secret-fd")
            .value_name("N")
            .value_parser(value_parser!(i32).range(0..))
            .help("Read the access key's secret from a file descriptor"),
        Arg::new("source-ip")
            .long("source-ip")
            .value_name("ADDRESS")
            .value_parser(value_parser!(IpAddr))
            .help("Where the caller is, for acs:SourceIp; you vouch for it"),
        truth(
            "secure-transport",
            "Whether the caller came by TLS, for acs:SecureTransport; likewise",
        ),
        truth(
            "mfa-present",
            "Whether the caller gave a second factor, for acs:MFAPresent; likewise",
        ),
    ];
    command.args(options.map(|option| option.help_heading(HEADING)))
}

/// The session of who calls.
pub fn session(kms: &Arc<Kms>, flags: &ArgMatches, region: &str) -> Result<Session> {
    let id = flags.get_one::<String>("access-key-id");
    let account = command::given(flags, "account");
    let account = account.or_else(|| id.is_none().then_some(ACCOUNT));
    let secret = secrets::access_key(flags, id.is_some())?;
    let login = json!({
        "Account": account,
        "Region": region,
        "AccessKeyId": id,
        "SourceIp": flags.get_one::<IpAddr>("source-ip"),
        "SecureTransport": flags.get_one::<bool>("secure-transport"),
        "MFAPresent": flags.get_one::<bool>("mfa-present"),
    });
    kms.login(&LoginRequest::parse(&login.to_string())?.with_secret(&secret)?)
}
