//! The text that Go's linker writes into programs: the version of the compiler, the modules and the
//! settings of the build.

use crate::{
    executable::{ByteOrder, Program, u32_at, u64_at},
    facts::{GoBuild, GoModule},
};
use std::borrow::Cow;

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The header is aligned.
const ALIGNMENT: usize = 16;
/// Bytes of the longest text that is read.
const TEXT_BYTES: usize = 4 << 20;
/// Modules that are kept of one program.
const MODULES: usize = 100_000;

impl GoBuild {
    /// A setting, such as `GOARCH`.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        let setting = self.settings.iter().find(|(key, _)| key == name)?;
        Some(&setting.1)
    }
}

/// Settings that are kept.
const SETTINGS: &[&str] = &["GOARCH", "-ldflags", "vcs.revision", "vcs.time"];

/// The build of a program; `None` for a program that Go did not link.
pub(crate) fn read(program: &Program<'_>) -> Result<Option<GoBuild>, String> {
    let Some((compiler, modules)) = texts(program) else {
        return Ok(None);
    };
    if compiler.is_empty() {
        return Ok(None);
    }
    let mut build = parse(&modules)?;
    build.compiler = compiler.into_owned();
    Ok(Some(build))
}

/// The two texts: version of the compiler, and modules.
fn texts<'a>(program: &Program<'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let section = program
        .section(b".go.buildinfo")
        .or_else(|| program.section(b"__go_buildinfo"));
    let header = match section {
        Some(data) => header(data)?,
        None => {
            let data = program.segments.iter().find(|segment| segment.is_data)?;
            header(data.data)?
        }
    };
    const INLINE: u8 = 2;
    let flags = *header.get(15)?;
    let (compiler, modules) = if flags & INLINE != 0 {
        let (compiler, rest) = counted(header.get(32..)?)?;
        (compiler, counted(rest)?.0)
    } else {
        let width = usize::from(*header.get(14)?);
        let order = if flags & 1 == 0 {
            ByteOrder::Little
        } else {
            ByteOrder::Big
        };
        let pointer = |content: &[u8], offset: usize| match width {
            4 => u32_at(content, offset, order).map(u64::from),
            8 => u64_at(content, offset, order),
            _ => None,
        };
        let text = |address: u64| {
            let text = program.at_address(address)?;
            let data = program.at_address(pointer(text, 0)?)?;
            data.get(..usize::try_from(pointer(text, width)?).ok()?)
        };
        let compiler = text(pointer(header, 16)?)?;
        let modules = pointer(header, 16_usize.checked_add(width)?).and_then(text);
        (compiler, modules.unwrap_or_default())
    };
    if compiler.len() > TEXT_BYTES || modules.len() > TEXT_BYTES {
        return None;
    }
    // The modules stand between two marks of sixteen bytes.
    let modules = match modules.len().checked_sub(17) {
        Some(last) if modules.get(last) == Some(&b'\n') => {
            modules.get(16..last.checked_add(1)?).unwrap_or_default()
        }
        _ => b"",
    };
    Some((
        String::from_utf8_lossy(compiler),
        String::from_utf8_lossy(modules),
    ))
}

/// The content from the header on.
fn header(data: &[u8]) -> Option<&[u8]> {
    memchr::memmem::find_iter(data, MAGIC)
        .find(|offset| offset.is_multiple_of(ALIGNMENT))
        .and_then(|offset| data.get(offset..))
        .filter(|header| header.len() >= 32)
}

/// A text with its length before it, and what follows.
fn counted(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_usize;
    for (number, byte) in data.iter().take(5).enumerate() {
        let bits = usize::from(byte & 0x7f);
        length |= bits.checked_shl(u32::try_from(number).ok()?.checked_mul(7)?)?;
        if byte & 0x80 == 0 {
            return data.get(number.checked_add(1)?..)?.split_at_checked(length);
        }
    }
    None
}

fn parse(modules: &str) -> Result<GoBuild, String> {
    let mut build = GoBuild::default();
    let mut is_main_last = true;
    for line in modules.lines() {
        let (kind, rest) = line.split_once('\t').unwrap_or((line, ""));
        match kind {
            "path" => rest.clone_into(&mut build.path),
            "mod" => {
                build.main = module(rest)?;
                is_main_last = true;
            }
            "dep" if build.dependencies.len() < MODULES => {
                build.dependencies.push(module(rest)?);
                is_main_last = false;
            }
            "dep" => return Err(format!("its build information has over {MODULES} modules")),
            "=>" => {
                let replaced = if is_main_last {
                    Some(&mut build.main)
                } else {
                    build.dependencies.last_mut()
                };
                if let Some(replaced) = replaced {
                    replaced.replacement = Some(Box::new(module(rest)?));
                }
            }
            "build" => build.settings.extend(setting(rest)),
            _ => {}
        }
    }
    Ok(build)
}

fn module(columns: &str) -> Result<GoModule, String> {
    let mut columns = columns.split('\t');
    let (Some(path), Some(version)) = (columns.next(), columns.next()) else {
        return Err("a line of its build information names a module without a version".to_owned());
    };
    Ok(GoModule {
        path: path.to_owned(),
        version: version.to_owned(),
        checksum: columns.next().unwrap_or_default().to_owned(),
        replacement: None,
    })
}

fn setting(rest: &str) -> Option<(String, String)> {
    let (key, value) = rest.split_once('=')?;
    let key = key.trim_matches('"');
    let value = match value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(quoted) => quoted.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => value.trim_matches('`').to_owned(),
    };
    SETTINGS.contains(&key).then(|| (key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executable::{Section, Segment};

    fn program(data: &[u8]) -> Program<'_> {
        Program {
            sections: vec![Section {
                name: b".go.buildinfo",
                data,
            }],
            segments: vec![Segment {
                address: 0,
                data,
                is_data: true,
            }],
        }
    }

    fn inline(compiler: &str, modules: &str) -> Vec<u8> {
        let mut data = MAGIC.to_vec();
        data.extend([8, 2]);
        data.resize(32, 0);
        data.push(u8::try_from(compiler.len()).unwrap());
        data.extend(compiler.bytes());
        let modules = format!("0123456789abcdef{modules}0123456789abcdef");
        let length = modules.len();
        data.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        data.push(u8::try_from(length >> 7).unwrap());
        data.extend(modules.bytes());
        data
    }

    #[test]
    fn inline_build_information_is_read() {
        let data = inline(
            "go1.22.1",
            "path\texample.test/a\nmod\texample.test/a\t(devel)\t\ndep\tb.test/b\tv1\th1:x=\n=>\tc.test/c\tv2\t\nbuild\tGOARCH=amd64\n",
        );
        let build = read(&program(&data)).unwrap().unwrap();
        assert_eq!(build.compiler, "go1.22.1");
        assert_eq!(build.main.path, "example.test/a");
        assert_eq!(
            build.dependencies[0].replacement.as_ref().unwrap().path,
            "c.test/c"
        );
        assert_eq!(build.setting("GOARCH"), Some("amd64"));
    }

    #[test]
    fn truncated_build_information_is_refused_without_panic() {
        let data = inline("go1.22.1", "path\ta\nmod\ta\t(devel)\t\n");
        for end in 0..data.len() {
            let _ = read(&program(&data[..end]));
        }
        assert_eq!(read(&program(b"")), Ok(None));
    }
}
