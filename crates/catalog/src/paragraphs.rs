//! Fields of control files, as Debian and Python write them: `Key: value`, continued by lines that begin
//! with a space.

/// The fields of one paragraph, in order.
#[derive(Debug, Default)]
pub(crate) struct Paragraph<'a> {
    fields: Vec<(&'a str, Vec<&'a str>)>,
}

impl<'a> Paragraph<'a> {
    /// The first line of the last field with this name; empty where there is none.
    pub(crate) fn first_line(&self, name: &str) -> &'a str {
        self.lines(name).first().copied().unwrap_or_default()
    }

    /// Every line of the last field with this name.
    pub(crate) fn lines(&self, name: &str) -> &[&'a str] {
        self.fields
            .iter()
            .rev()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map_or(&[], |(_, lines)| lines.as_slice())
    }

    /// Whether it has no field.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Adds a line. A continuation without a field before it is an error.
    pub(crate) fn add(&mut self, line: &'a str) -> Result<(), String> {
        if line.starts_with(' ') {
            let Some((_, lines)) = self.fields.last_mut() else {
                return Err(format!("a continuation has no field before it: {line:.80}"));
            };
            lines.push(line.trim());
        } else if let Some((key, value)) = line.split_once(':')
            && !key.is_empty()
        {
            self.fields.push((key.trim(), vec![value.trim()]));
        }
        Ok(())
    }
}

/// The paragraphs of a control file: blocks between empty lines.
pub(crate) fn paragraphs(content: &str) -> Result<Vec<Paragraph<'_>>, String> {
    let mut all = Vec::new();
    let mut current = Paragraph::default();
    for line in content.split('\n') {
        if line.is_empty() {
            if !current.is_empty() {
                all.push(std::mem::take(&mut current));
            }
            continue;
        }
        current.add(line)?;
    }
    if !current.is_empty() {
        all.push(current);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_parted_by_empty_lines() {
        let content =
            "Package: a\nConffiles:\n /etc/a 1\n /etc/b 2\n\n\nPackage: b\nversion: 2\nno field\n";
        let all = paragraphs(content).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].lines("Conffiles"), ["", "/etc/a 1", "/etc/b 2"]);
        assert_eq!(all[1].first_line("Version"), "2");
        assert_eq!(all[1].first_line("Source"), "");
    }

    #[test]
    fn continuation_without_field_is_refused() {
        assert!(paragraphs(" lost\n").is_err());
    }
}
