//! Lines that fit 80 columns.

/// How wide the output for people is.
pub(in crate::cli) const WIDTH: usize = 80;

/// The text on one line of at most `width` characters; what is cut off leaves a mark.
pub(in crate::cli) fn cut(text: &str, width: usize) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if line.chars().count() <= width {
        return line;
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The text in lines of at most `width` characters, broken at spaces where there are any.
pub(in crate::cli) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else {
            break;
        };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// As many of `items` as fit `width` characters, joined; the rest is counted.
pub(in crate::cli) fn listed(items: &[String], width: usize) -> String {
    let mut line = String::new();
    for (at, item) in items.iter().enumerate() {
        let rest = items.len() - at - 1;
        let room = if rest == 0 {
            width
        } else {
            width.saturating_sub(10)
        };
        let longer = if line.is_empty() {
            item.clone()
        } else {
            format!("{line}; {item}")
        };
        if longer.chars().count() > room && !line.is_empty() {
            return format!("{line}; {} more", rest + 1);
        }
        line = cut(&longer, room);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let items = ["a".repeat(20), "b".repeat(20), "c".repeat(20)];
        assert_eq!(listed(&items, 80).len(), 64);
        assert_eq!(listed(&items, 50), format!("{}; 2 more", "a".repeat(20)));
        assert_eq!(listed(&["x".repeat(90)], 80).chars().count(), 80);
    }

    #[test]
    fn wrapping_keeps_every_word() {
        let text = "one two three four";
        assert_eq!(wrapped(text, 9), ["one two", "three", "four"]);
    }
}
