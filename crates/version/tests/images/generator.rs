//! Versions and constraints as they occur, and odd ones. Numbers and words are few, so that two
//! versions often differ in one place only.

use crate::random::Random;
use kubevet_version::VersionFormat;

const NUMBERS: &[&str] = &[
    "0", "1", "1", "2", "3", "9", "10", "11", "20", "01", "007", "00", "100", "2023", "20230102",
];

/// The parts that a version of one format is made of.
struct Grammar {
    /// What may come before the numbers.
    before: &'static [&'static str],
    /// What may come behind them, several times.
    behind: &'static [&'static str],
    /// What may come at the end, once.
    end: &'static [&'static str],
    /// Characters of odd versions.
    odd: &'static str,
}

fn grammar(format: VersionFormat) -> Grammar {
    match format {
        VersionFormat::Deb => Grammar {
            before: &["", "", "", "1:", "2:", "0:"],
            behind: &[
                "~rc1",
                "+dfsg",
                "~bpo12+1",
                "a",
                "~",
                "+git20230101.abc",
                "~~1",
                "-2",
                ".rel",
                "+b1",
                "p1",
                "_1",
                "-rc",
                "B",
                "~beta2",
            ],
            end: &[
                "",
                "-1",
                "-1ubuntu2",
                "-2+deb12u1",
                "-0",
                "-1.1",
                "-1~exp1",
                "-r1",
            ],
            odd: "0123abz.~+-:_AZ ",
        },
        VersionFormat::Rpm | VersionFormat::Pacman => Grammar {
            before: &["", "", "0:", "1:", "2:"],
            behind: &[
                "~rc1", "a", "b2", "_1", ".git", "~", "+1", "rc1", "~~a", "p1",
            ],
            end: &[
                "",
                "-1",
                "-1.el8",
                "-2.fc39",
                "-1.el8_6.2",
                "-3.module+el8",
                "-10",
                "-1~1",
            ],
            odd: "012ab.~_-+:^A",
        },
        VersionFormat::Apk => Grammar {
            before: &["", "", "", "v"],
            behind: &[
                "a",
                "b",
                "_alpha",
                "_beta2",
                "_pre",
                "_rc1",
                "_p1",
                "_git20230101",
                "_p",
                "_cvs",
                "_hg3",
                "_svn",
                "_rc",
            ],
            end: &["", "-r0", "-r1", "-r10", "-r2"],
            odd: "012ab._-rp",
        },
        VersionFormat::Python => Grammar {
            before: &["", "", "", "v", "1!", "0!"],
            behind: &[
                "a1", "b2", "rc1", ".post1", ".dev1", "alpha", ".beta1", "-rc.2", "-1", ".post",
                ".dev", "rev2", "c1", "preview3", "_pre1", "a", "-r2",
            ],
            end: &["", "", "", "+local", "+1.a", "+ubuntu.1", "+2"],
            odd: "012abcprv.+-!_ ",
        },
        VersionFormat::Gem => Grammar {
            before: &[""],
            behind: &[
                ".rc1", ".pre", ".beta2", "a", "-1", ".alpha", ".b3", "rc2", ".0", ".0.0",
            ],
            end: &["", "", "-java", "-x86_64-linux", "-x86-mingw32"],
            odd: "012abz.-AZ",
        },
        VersionFormat::Maven => Grammar {
            before: &[""],
            behind: &[
                "-alpha-1",
                ".Final",
                "-SNAPSHOT",
                "-rc1",
                ".RELEASE",
                "-beta2",
                "-sp1",
                ".GA",
                "-jre",
                ".jre8",
                "-M1",
                "-1",
                "-cr2",
                ".v20230101",
                "-android",
                "-RC2",
                "-milestone-3",
                ".jdk11",
                "-foo",
                ".a",
            ],
            end: &["", "", "-SNAPSHOT", "-redhat-1", ".SP1"],
            odd: "012abm.-",
        },
        VersionFormat::Golang => Grammar {
            before: &["v", "v", "", "go"],
            behind: &[
                "-rc.1",
                "-beta",
                "-0.20230101000000-abcdef012345",
                "rc1",
                "-alpha.2",
                "b1",
                "-pre.0.20230101000000-abcdef012345",
            ],
            end: &["", "", "+incompatible", "+incompatible+dirty", "+dirty"],
            odd: "v012ab.-+",
        },
        VersionFormat::Portage => Grammar {
            before: &["", "", "", "cat/pkg-"],
            behind: &[
                "a",
                "b",
                "_p1",
                "_rc2",
                "_alpha",
                "_beta1",
                "_pre",
                "_p20230101",
                "_rc",
                "_p",
            ],
            end: &["", "-r1", "-r0", "-r10"],
            odd: "012ab._-rp",
        },
        VersionFormat::Jvm => Grammar {
            before: &["", "1.", "1."],
            behind: &[
                "_292",
                "-b10",
                "_302-b08",
                "-ea-b19",
                "-update302",
                "-ea",
                "u292",
                "-update_11-b2",
                "_0",
                "+9",
                "-internal",
            ],
            end: &["", "", "+8", "-b03", "+7-LTS"],
            odd: "1208._-bu+",
        },
        VersionFormat::Bitnami => Grammar {
            before: &["", "", "v"],
            behind: &["-1", "-r2", "-10", "-debian-11-r3", "-rc1", "-2.1", "a"],
            end: &["", "", "+build"],
            odd: "012ab.-+v",
        },
        VersionFormat::Kb => Grammar {
            before: &["", "KB"],
            behind: &["-1"],
            end: &[""],
            odd: "0123",
        },
        _ => Grammar {
            before: &["", "", "", "v", "V"],
            behind: &[
                "-alpha",
                "-rc.1",
                "-beta.11",
                "a",
                "k",
                "-1",
                "rc1",
                ".beta2",
                "-alpha.beta",
                "-x.7.z.92",
                "~1",
                "p9",
                "p15",
                "-dev",
                ".rc3",
                "_1",
                " beta",
                "alpha2",
                "-0.3.7",
                "-a-b",
            ],
            end: &["", "", "+build.1", "+001", "-SNAPSHOT"],
            odd: "012abvz.-+~_ ",
        },
    }
}

/// A version of this format, now and then an odd one.
pub(crate) fn version(random: &mut Random, format: VersionFormat) -> String {
    let grammar = grammar(format);
    if random.happens(8) {
        let length = 1 + random.below(8);
        let chars: Vec<char> = grammar.odd.chars().collect();
        return (0..length)
            .map(|_| chars[random.below(chars.len())])
            .collect();
    }
    let mut text = random.pick(grammar.before).to_owned();
    let count = 1 + random.below(4);
    let numbers: Vec<&str> = (0..count).map(|_| random.pick(NUMBERS)).collect();
    text.push_str(&numbers.join("."));
    for percent in [40, 15, 5] {
        if random.happens(percent) {
            text.push_str(random.pick(grammar.behind));
        }
    }
    text.push_str(random.pick(grammar.end));
    text
}

/// A version that resembles another: the same, or with one character less or more.
pub(crate) fn neighbour(random: &mut Random, format: VersionFormat, of: &str) -> String {
    let chars: Vec<char> = of.chars().collect();
    match random.below(5) {
        0 => of.to_owned(),
        1 if chars.len() > 1 => {
            let without = random.below(chars.len());
            let kept = chars.iter().enumerate();
            kept.filter(|(index, _)| *index != without)
                .map(|(_, char)| *char)
                .collect()
        }
        2 => format!("{of}{}", random.pick(grammar(format).behind)),
        3 => format!("{of}.{}", random.pick(NUMBERS)),
        _ => {
            let at = random.below(chars.len() + 1);
            let odd: Vec<char> = grammar(format).odd.chars().collect();
            let (before, behind) = chars.split_at(at);
            let inserted = odd[random.below(odd.len())];
            before.iter().chain([&inserted]).chain(behind).collect()
        }
    }
}

/// A constraint of one to three terms, with bounds near a version.
pub(crate) fn constraint(random: &mut Random, format: VersionFormat, near: &str) -> String {
    let mut text = String::new();
    let terms = 1 + random.below(3);
    for index in 0..terms {
        if index > 0 {
            text.push_str(random.pick(&[",", ", ", " || ", "||", ",,"]));
        }
        text.push_str(random.pick(&["<", "<=", ">", ">=", "=", "", "< ", ">= "]));
        let bound = if random.happens(70) {
            neighbour(random, format, near)
        } else {
            version(random, format)
        };
        text.push_str(&bound);
    }
    text
}
