//! `b24-tidyd names`: tidies texts from the command line or standard input, to try the policy out.

use std::ffi::OsString;
use std::io::{self, BufRead, Read as _, Write};

use serde::Serialize;

use super::text::spelt_out;
use crate::names::{Engine, Explanation, Field, Language, Settings, Style, Word};

/// Tidy names given as arguments or on standard input, and say why.
///
/// Each TEXT is one value and gives one line. Without TEXT, each line of standard input is a value.
/// No configuration file is needed, unless `--portal` asks for the rules of one of its portals;
/// nothing is sent anywhere.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  b24-tidyd names 'jean-luc PICARD' mcdonald
  b24-tidyd names --field LAST_NAME --language nl --explain 'van der berg'
  b24-tidyd names --json < names.txt
  b24-tidyd --portal acme names --explain 'bell hooks'     # with its overrides")]
pub struct NamesArgs {
    /// How much to know about names: smart or plain [default: smart, or as --portal has it]
    #[arg(long, value_name = "S")]
    pub style: Option<Style>,
    /// The language as a BCP 47 tag, such as de, pt-BR or und [default: und, or as --portal has it]
    #[arg(long, value_name = "L")]
    pub language: Option<Language>,
    /// The field the text stands in: NAME, SECOND_NAME or LAST_NAME
    #[arg(long, value_name = "F", default_value = "NAME")]
    pub field: Field,
    /// One JSON object per value
    #[arg(long)]
    pub json: bool,
    /// Say for every word which rule decided, with the section of the naming policy
    #[arg(long)]
    pub explain: bool,
    /// Values to tidy; without any, standard input is read line by line
    #[arg(value_name = "TEXT")]
    pub texts: Vec<OsString>,
}

/// The longest line of standard input, in bytes. A portal takes names of some hundred.
const LONGEST_LINE: u64 = 1024 * 1024;

/// What can go wrong. The lines before the fault are out.
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    /// A value is not UTF-8: bad input data (exit code 65).
    #[error("line {line} is not valid UTF-8")]
    InvalidUtf8 {
        /// The line of standard input, or the TEXT, counted from 1.
        line: usize,
    },
    /// A line without an end: bad input data (exit code 65).
    #[error("line {line} is longer than {LONGEST_LINE} bytes")]
    Long {
        /// The line of standard input, counted from 1.
        line: usize,
    },
    /// Standard input or output failed.
    #[error("standard input or output failed")]
    Io(#[from] io::Error),
}

/// Tidies every TEXT, or every line of `input` if there is none, and writes one line for each.
/// `settings` hold where the arguments choose nothing.
///
/// # Errors
/// A [`NamesError`]; the lines before the fault are out.
pub fn run(
    args: &NamesArgs,
    settings: Settings,
    mut input: impl BufRead,
    mut output: impl Write,
) -> Result<(), NamesError> {
    let report = Report::new(args, settings);
    if !args.texts.is_empty() {
        for (index, text) in args.texts.iter().enumerate() {
            let text = text
                .to_str()
                .ok_or(NamesError::InvalidUtf8 { line: index + 1 })?;
            report.write(text, "\n", &mut output)?;
        }
        return Ok(());
    }
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut input = (&mut input).take(LONGEST_LINE + 1);
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() as u64 > LONGEST_LINE {
            return Err(NamesError::Long { line: number });
        }
        let text =
            std::str::from_utf8(&line).map_err(|_| NamesError::InvalidUtf8 { line: number })?;
        // Only the line feed is taken off, and a last line without one stays without.
        match text.strip_suffix('\n') {
            Some(text) => report.write(text, "\n", &mut output)?,
            None => report.write(text, "", &mut output)?,
        }
    }
    Ok(())
}

/// How values are answered.
struct Report {
    engine: Engine,
    field: Field,
    json: bool,
    explain: bool,
}

impl Report {
    fn new(args: &NamesArgs, settings: Settings) -> Report {
        let settings = Settings {
            style: args.style.unwrap_or(settings.style),
            language: args.language.clone().unwrap_or(settings.language),
            ..settings
        };
        Report {
            engine: Engine::new(settings),
            field: args.field,
            json: args.json,
            explain: args.explain,
        }
    }

    /// Writes the answer for one value and flushes, so that a pipe sees each line at once.
    fn write(&self, text: &str, line_end: &str, output: &mut impl Write) -> io::Result<()> {
        if self.json {
            let explanation = self.engine.explain(self.field, text);
            let answer = JsonAnswer::new(text, &explanation, self.explain);
            serde_json::to_writer(&mut *output, &answer)?;
            output.write_all(line_end.as_bytes())?;
        } else if self.explain {
            write_for_people(&self.engine.explain(self.field, text), output)?;
        } else {
            output.write_all(self.engine.tidy(self.field, text).as_bytes())?;
            output.write_all(line_end.as_bytes())?;
        }
        output.flush()
    }
}

/// The tidied text, then a line for every word.
fn write_for_people(explanation: &Explanation, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "{}", spelt_out(&explanation.output))?;
    for word in &explanation.words {
        let Word {
            text,
            output: tidied,
            rule,
        } = word;
        let change = if text == tidied {
            spelt_out(text)
        } else {
            format!("{} -> {}", spelt_out(text), spelt_out(tidied))
        };
        writeln!(
            output,
            "  {change}: {} ({}, section {} of the policy)",
            rule.title(),
            rule.name(),
            rule.section()
        )?;
    }
    Ok(())
}

#[derive(Serialize)]
struct JsonAnswer<'a> {
    input: &'a str,
    output: &'a str,
    changed: bool,
    words: Vec<JsonWord<'a>>,
}

#[derive(Serialize)]
struct JsonWord<'a> {
    text: &'a str,
    output: &'a str,
    rule: &'static str,
    /// Only with `--explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<&'static str>,
    /// Only with `--explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
}

impl<'a> JsonAnswer<'a> {
    fn new(input: &'a str, explanation: &'a Explanation, explain: bool) -> JsonAnswer<'a> {
        let words = explanation.words.iter().map(|word| JsonWord {
            text: &word.text,
            output: &word.output,
            rule: word.rule.name(),
            section: explain.then(|| word.rule.section()),
            title: explain.then(|| word.rule.title()),
        });
        JsonAnswer {
            input,
            output: &explanation.output,
            changed: input != explanation.output,
            words: words.collect(),
        }
    }
}
