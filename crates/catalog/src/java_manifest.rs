//! MANIFEST.MF: the main section and the named ones.

/// A section: names and values, in order.
type Section = Vec<(String, String)>;

/// A manifest.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    sections: Vec<Section>,
}

impl Manifest {
    /// Lines that are no field are left out; a line that begins with a space continues the one before.
    pub(crate) fn parse(content: &str) -> Self {
        let mut manifest = Manifest::default();
        let mut is_new = true;
        for line in content.lines() {
            if line.is_empty() {
                is_new = true;
            } else if line.starts_with(' ') {
                if !is_new && let Some((_, value)) = manifest.last_field() {
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':')
                && !name.trim().is_empty()
            {
                if is_new {
                    manifest.sections.push(Section::new());
                    is_new = false;
                }
                if let Some(section) = manifest.sections.last_mut() {
                    section.push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
        }
        manifest
    }

    fn last_field(&mut self) -> Option<&mut (String, String)> {
        self.sections.last_mut()?.last_mut()
    }

    /// A field of the main section; empty where there is none.
    pub(crate) fn main(&self, name: &str) -> &str {
        self.sections
            .first()
            .and_then(|section| field(section, name))
            .unwrap_or_default()
    }

    /// A field of the first section that has it; empty where none has.
    pub(crate) fn any<'a>(&'a self, name: &'a str) -> &'a str {
        let mut values = self.values(name);
        values.find(|value| !value.is_empty()).unwrap_or_default()
    }

    /// The field in every section.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.sections
            .iter()
            .filter_map(move |section| field(section, name))
    }
}

fn field<'a>(section: &'a Section, name: &str) -> Option<&'a str> {
    let (_, value) = section.iter().find(|(key, _)| key == name)?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_has_sections_and_continued_lines() {
        let manifest = Manifest::parse(
            "Manifest-Version: 1.0\r\nBundle-Name: a\r\n b\r\n\r\nName: x/\r\nPackage: test.x\r\n",
        );
        assert_eq!(manifest.main("Bundle-Name"), "ab");
        assert_eq!(manifest.main("Package"), "");
        assert_eq!(manifest.any("Package"), "test.x");
        assert_eq!(Manifest::parse(" lost\n: no\nnothing\n").main(""), "");
    }
}
