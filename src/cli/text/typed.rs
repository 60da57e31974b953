//! Commands as they have to be typed.

/// One of our commands for a portal, as a shell takes it.
pub(in crate::cli) fn typed(portal: &str, words: &str) -> String {
    format!("`b24-tidyd --portal {} {words}`", shell_word(portal))
}

fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::typed;

    #[test]
    fn a_name_is_one_word_to_a_shell() {
        for (name, word) in [
            ("acme", "acme"),
            ("two words", "'two words'"),
            ("o'neill", r"'o'\''neill'"),
            ("$(id)", "'$(id)'"),
        ] {
            let command = format!("`b24-tidyd --portal {word} auth login`");
            assert_eq!(typed(name, "auth login"), command);
        }
    }
}
