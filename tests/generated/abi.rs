//! What a program is compiled against, a line for each: functions with their types, constants,
//! numbers of errors, types. Names of parameters and comments are not part of it.

/// The lines of a header that cbindgen has made, sorted.
pub fn dump(header: &str) -> String {
    let mut lines = Vec::new();
    let mut code = String::new();
    for line in without_blocks(header).lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        if let Some(constant) = line.strip_prefix("#define KMSHSM_") {
            let mut words = constant.split_whitespace();
            if let (Some(name), Some(value)) = (words.next(), words.next()) {
                // A macro of the compiler's, and what every release changes.
                if name != "MUST_USE" && name != "VERSION_NUMBER" {
                    lines.push(format!("#define KMSHSM_{name} {value}"));
                }
            }
        } else if !line.starts_with('#') {
            code.push_str(line);
            code.push(' ');
        }
    }
    let code = code.replace("extern \"C\" {", "").replace("KMSHSM_MUST_USE", "");
    for declaration in code.split(';').map(words) {
        match declaration.split_once('{') {
            Some((head, body)) if head.starts_with("enum ") => {
                let name = head.split([' ', ':']).nth(1).unwrap_or_default();
                let members = body.trim_end_matches('}').split(',').map(str::trim);
                let members = members.filter(|member| !member.is_empty());
                lines.extend(members.map(|member| format!("enum {name}: {member}")));
            }
            _ if declaration.contains('(') => lines.push(function(&declaration)),
            _ if declaration.starts_with("typedef ") => lines.push(declaration),
            _ => assert!(declaration.is_empty() || declaration == "}", "unread: {declaration}"),
        }
    }
    lines.sort();
    lines.dedup();
    lines.join("\n") + "\n"
}

/// Lines that are no longer there.
pub fn missing<'a>(kept: &'a str, fresh: &str) -> Vec<&'a str> {
    kept.lines().filter(|line| !fresh.lines().any(|other| other == *line)).collect()
}

fn without_blocks(header: &str) -> String {
    let mut text = String::new();
    for part in header.split("/*") {
        text.push_str(part.split_once("*/").map_or(part, |(_, code)| code));
    }
    text
}

/// A prototype without the names of its parameters.
fn function(declaration: &str) -> String {
    let (head, parameters) = declaration.split_once('(').unwrap_or_default();
    let types = parameters.trim_end_matches(')').split(',').map(|parameter| {
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match parameter.trim() {
            "void" => "void",
            parameter => parameter.trim_end_matches(name).trim_end(),
        }
    });
    format!("{head}({})", types.collect::<Vec<_>>().join(", "))
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_change_is_seen() {
    let header = "/* { ; */\n#define KMSHSM_A 1\n// b;\nKMSHSM_MUST_USE\nint f(const char *name,\n\
                  size_t n);\nenum e\n#if X\n  : uint32_t\n#endif // X\n {\n    A = 1, // no\n};\n\
                  typedef struct s s;\nvoid g(void);\n";
    let dumped = dump(header);
    let lines: Vec<_> = dumped.lines().collect();
    assert_eq!(
        lines,
        [
            "#define KMSHSM_A 1",
            "enum e: A = 1",
            "int f(const char *, size_t)",
            "typedef struct s s",
            "void g(void)"
        ]
    );
    assert_eq!(missing(&dumped, &dump(&header.replace("A 1", "A 2"))), ["#define KMSHSM_A 1"]);
    assert_eq!(missing(&dumped, &dump(&header.replace("char", "void"))), [lines[2]]);
    assert!(missing(&dumped, &dump(&format!("{header}int h(void);"))).is_empty());
}
