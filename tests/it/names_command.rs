//! `b24-tidyd names`: one line out for each line in.

use b24_tidyd::cli::names::{NamesArgs, NamesError, run};
use b24_tidyd::names::Settings;
use clap::Parser;

use crate::installed::Installed;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    names: NamesArgs,
}

fn answer_bytes(args: &[&str], input: &[u8]) -> (String, Result<(), NamesError>) {
    let command = Command::parse_from([&["names"], args].concat());
    let mut output = Vec::new();
    let result = run(&command.names, Settings::default(), input, &mut output);
    (String::from_utf8(output).unwrap(), result)
}

fn answer(args: &[&str], input: &str) -> String {
    let (output, result) = answer_bytes(args, input.as_bytes());
    result.unwrap();
    output
}

#[test]
fn each_text_gives_one_line() {
    assert_eq!(
        answer(&["JOHN", "van der berg", ""], "not read\n"),
        "John\nVan der Berg\n\n"
    );
}

#[test]
fn options_choose_field_language_and_style() {
    assert_eq!(answer(&["MACDONALD"], ""), "Macdonald\n");
    assert_eq!(
        answer(&["--field", "LAST_NAME", "MACDONALD"], ""),
        "MacDonald\n"
    );
    assert_eq!(answer(&["--language", "tr-TR", "ILIK"], ""), "Ilık\n");
    assert_eq!(answer(&["--style", "plain", "McDonald"], ""), "Mcdonald\n");
}

#[test]
fn unknown_choices_are_refused() {
    for args in [
        ["--style", "fancy"],
        ["--field", "TITLE"],
        ["--language", "t"],
    ] {
        assert!(
            Command::try_parse_from([&["names"], &args[..]].concat()).is_err(),
            "{args:?}"
        );
    }
}

#[test]
fn standard_input_is_split_at_line_feeds_only() {
    assert_eq!(
        answer(&[], "john\r\n\nmary\u{2028}ann"),
        "John\r\n\nMary\u{2028}Ann"
    );
    assert_eq!(answer(&[], "john\n"), "John\n");
    assert_eq!(answer(&[], ""), "");
}

#[test]
fn json_has_the_contracts_shape() {
    assert_eq!(
        answer(&["--json"], "JAN van\nJan\n"),
        concat!(
            r#"{"input":"JAN van","output":"Jan Van","changed":true,"words":["#,
            r#"{"text":"JAN","output":"Jan","rule":"title-case"},"#,
            r#"{"text":"van","output":"Van","rule":"title-case"}]}"#,
            "\n",
            r#"{"input":"Jan","output":"Jan","changed":false,"words":["#,
            r#"{"text":"Jan","output":"Jan","rule":"kept"}]}"#,
            "\n"
        )
    );
}

#[test]
fn json_with_explain_adds_the_section() {
    let line = answer(&["--json", "--explain", "mcdonald"], "");
    let answer: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(answer["words"][0]["rule"], "mc");
    assert_eq!(answer["words"][0]["section"], "7.1.2");
    assert_eq!(answer["words"][0]["title"], "Mc and a capital");
}

#[test]
fn explain_names_the_rule_of_every_word() {
    assert_eq!(
        answer(&["--explain", "jan van der BERG iii"], ""),
        "Jan van der Berg III
  jan -> Jan: first letter up, the rest down (title-case, section 7.1 of the policy)
  van: a particle is lower (particle, section 6.1 of the policy)
  der: a particle is lower (particle, section 6.1 of the policy)
  BERG -> Berg: first letter up, the rest down (title-case, section 7.1 of the policy)
  iii -> III: a Roman numeral (numeral, section 6.4 of the policy)
"
    );
    assert_eq!(
        answer(&["--field", "LAST_NAME", "--explain", "van der BERG"], ""),
        "van der Berg
  van: a particle typed lower in front of a capital, and kept (leading-particle, section 6.2 of the policy)
  der: a particle is lower (particle, section 6.1 of the policy)
  BERG -> Berg: first letter up, the rest down (title-case, section 7.1 of the policy)
"
    );
    let whole = answer(&["--explain", "ivan@example.com"], "");
    assert!(whole.contains("not-a-name-sign, section 3.2"), "{whole}");
}

#[test]
fn invalid_utf8_names_the_line_after_the_lines_before_it() {
    let (output, result) = answer_bytes(&[], b"john\nj\xFFohn\nmary\n");
    assert_eq!(output, "John\n");
    assert!(matches!(result, Err(NamesError::InvalidUtf8 { line: 2 })));
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_utf8_is_bad_data_too() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let mut command = Command::parse_from(["names", "JOHN"]);
    command.names.texts.push(OsString::from_vec(vec![0xFF]));
    let mut output = Vec::new();
    let result = run(&command.names, Settings::default(), &b""[..], &mut output);
    assert_eq!(output, b"John\n");
    assert!(matches!(result, Err(NamesError::InvalidUtf8 { line: 2 })));
}

/// The rules of a portal are those of its configuration; what is said on the command line wins.
#[tokio::test(flavor = "multi_thread")]
async fn a_portal_brings_its_own_rules() {
    let installed = Installed::without_tokens(|_| {}, "[portal.names]\nlanguage = \"tr\"\n").await;
    let overrides = "overrides_file = \"overrides.txt\"\n";
    let config = std::fs::read_to_string(installed.config_path()).unwrap() + overrides;
    std::fs::write(installed.config_path(), config).unwrap();
    std::fs::write(
        installed.folder.path().join("overrides.txt"),
        "bell hooks\n",
    )
    .unwrap();
    let texts = ["ILIK", "BELL HOOKS"];
    for (options, expected) in [
        (&["--portal", "acme"][..], "Ilık\nbell hooks\n"),
        (
            &["--portal", "acme", "--language", "de"],
            "Ilik\nbell hooks\n",
        ),
        (&[], "Ilik\nBell Hooks\n"),
    ] {
        let arguments = [&["names"], options, &texts].concat();
        assert_eq!(
            installed.run_for(0, &arguments).await,
            expected,
            "{options:?}"
        );
    }
    installed
        .run_for(64, &["names", "--portal", "other", "x"])
        .await;
}

/// A line without an end must not take all memory.
#[test]
fn a_line_that_never_ends_is_bad_input() {
    let mut input = b"anna\n".to_vec();
    input.resize((1 << 20) + 10, b'x');
    let (output, result) = answer_bytes(&[], &input);
    assert_eq!(output, "Anna\n");
    assert!(
        matches!(result, Err(NamesError::Long { line: 2 })),
        "{result:?}"
    );
    let fits = [vec![b'-'; (1 << 20) - 1], b"\nanna".to_vec()].concat();
    let (output, result) = answer_bytes(&[], &fits);
    assert!(result.is_ok() && output.ends_with("-\nAnna"));
}

/// What is explained is for people: nothing of it steers their terminal.
#[test]
fn an_explanation_steers_no_terminal() {
    let said = answer(&["--explain", "\u{1b}[31manna \u{202e}smith"], "");
    assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
    assert!(said.contains("\\u{1b}"), "{said}");
}
