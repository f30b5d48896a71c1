//! The script for bash. What commands share is in it once, with the commands it is of. clap_complete's has it
//! again for each of a hundred actions: 670 kB, which a shell reads when it first completes.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use clap::{Arg, Command, ValueHint};

/// What is offered in place of a value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Words(Vec<String>),
    Directory,
    File,
    /// What only the caller knows.
    Nothing,
}

impl Value {
    fn of(arg: &Arg) -> Self {
        let words: Vec<_> =
            arg.get_possible_values().iter().map(|word| word.get_name().to_owned()).collect();
        match arg.get_value_hint() {
            _ if !words.is_empty() => Self::Words(words),
            ValueHint::DirPath => Self::Directory,
            ValueHint::FilePath => Self::File,
            _ => Self::Nothing,
        }
    }

    fn statement(&self) -> String {
        match self {
            Self::Words(words) => format!("offered='{}'", words.join(" ")),
            Self::Directory => "_kmshsm_paths -d; return".into(),
            Self::File => "_kmshsm_paths -f; return".into(),
            Self::Nothing => "COMPREPLY=(\"$cur\"); compopt -o nospace; return".into(),
        }
    }
}

/// Things, and for each of them the commands that have it.
type Owners<T> = BTreeMap<T, Vec<String>>;

/// What is in the script. A command is its path from the program, as `/slot/add`.
#[derive(Default)]
struct Tables {
    commands: Vec<String>,
    words: Owners<String>,
    values: BTreeMap<String, Owners<Value>>,
    /// Commands that take files without an option.
    takers: Vec<String>,
}

impl Tables {
    fn take(&mut self, path: &str, command: &Command) {
        let mut own = Vec::new();
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let names = [arg.get_short().map(|it| format!("-{it}")), long(arg)];
            own.extend(names.into_iter().flatten());
            match (long(arg), Value::of(arg)) {
                (Some(option), value) if arg.get_action().takes_values() => {
                    let owners = self.values.entry(option).or_default();
                    owners.entry(value).or_default().push(path.to_owned());
                }
                (None, Value::Words(words)) if arg.is_positional() => own.extend(words),
                (None, Value::File) if arg.is_positional() => self.takers.push(path.to_owned()),
                _ => {}
            }
        }
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            let path = format!("{path}/{}", inner.get_name());
            own.push(inner.get_name().to_owned());
            self.commands.push(path.clone());
            self.take(&path, inner);
        }
        for word in own {
            self.words.entry(word).or_default().push(path.to_owned());
        }
    }

    /// Words that are the same commands', with those.
    fn offers(&self) -> String {
        let mut together = BTreeMap::<_, Vec<_>>::new();
        for (word, owners) in &self.words {
            together.entry(owners).or_default().push(word.as_str());
        }
        let case = |(owners, words): (&Vec<String>, Vec<&str>)| {
            let (owners, words) = (patterns(owners), words.join(" "));
            format!("    case $command in {owners}) offered+=' {words}' ;; esac\n")
        };
        together.into_iter().map(case).collect()
    }

    /// Options that take the same, each with its commands if it takes something else in others.
    fn takes(&self) -> String {
        let mut together = BTreeMap::<_, Vec<_>>::new();
        for (option, owners) in &self.values {
            let is_one = owners.len() == 1;
            for (value, owners) in owners {
                let places = together.entry(value).or_default();
                match is_one {
                    true => places.push(format!("*' {option}'")),
                    false => places.extend(owners.iter().map(|path| format!("'{path} {option}'"))),
                }
            }
        }
        let case = |(value, places): (&Value, Vec<String>)| {
            format!("        {}) {} ;;\n", places.join("|"), value.statement())
        };
        together.into_iter().map(case).collect()
    }
}

fn long(arg: &Arg) -> Option<String> {
    arg.get_long().map(|long| format!("--{long}"))
}

fn patterns(paths: &[String]) -> String {
    let quoted = paths.iter().map(|path| if path.is_empty() { "''" } else { path });
    quoted.collect::<Vec<_>>().join("|")
}

/// The script for a command line that has been built.
pub fn script(whole: &Command) -> String {
    let mut tables = Tables::default();
    tables.take("", whole);
    let (commands, takers) = (patterns(&tables.commands), patterns(&tables.takers));
    let (takes, offers) = (tables.takes(), tables.offers());
    format!(
        r#"_kmshsm_paths() {{
    local path
    compopt -o filenames
    while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "$1" -- "$cur")
}}

_kmshsm() {{
    local cur=$2 prev=$3 command='' offered='' word
    COMPREPLY=()
    # The sign is a word of its own in --option=value.
    [[ $prev == '=' ]] && prev=${{COMP_WORDS[COMP_CWORD - 2]}}
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD - 1}}"; do
        case $command/$word in
            {commands}) command+=/$word ;;
        esac
    done
    [[ $cur == -* ]] || case "$command $prev" in
{takes}    esac
    if [[ -n $offered ]]; then
        COMPREPLY=($(compgen -W "$offered" -- "$cur"))
        return
    fi
{offers}    COMPREPLY=($(compgen -W "$offered" -- "$cur"))
    [[ $cur == -* ]] || case $command in
        {takers}) _kmshsm_paths -f ;;
    esac
}}

complete -o bashdefault -o default -F _kmshsm kmshsm
"#
    )
}
