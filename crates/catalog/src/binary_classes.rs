//! The programs that are known by their content, and the texts that tell their version. Facts of Syft
//! (Apache-2.0), for the programs that images bring most often.

/// Files of one name, and the programs that they may be; the first that fits is it.
pub(crate) struct Class {
    /// Which files are looked at.
    pub(crate) glob: &'static str,
    /// A pattern that the path must match; what it captures as `version` stands for `{version}` in the
    /// texts.
    pub(crate) path: Option<&'static str>,
    pub(crate) programs: &'static [Program],
}

/// A program, and how it is known.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// Kind, namespace and name of the package URL.
    pub(crate) purl: (&'static str, &'static str, &'static str),
    /// Vendors and products.
    pub(crate) cpes: &'static [(&'static str, &'static str)],
    /// A part of the path that it has; empty for any.
    pub(crate) path_part: &'static str,
    /// A text that must be in the content; empty for none.
    pub(crate) contains: &'static str,
    /// Patterns with a group `version`; the first that matches tells it.
    pub(crate) patterns: &'static [&'static str],
}

const fn program(
    name: &'static str,
    cpes: &'static [(&'static str, &'static str)],
    patterns: &'static [&'static str],
) -> Program {
    Program {
        name,
        purl: ("generic", "", name),
        cpes,
        path_part: "",
        contains: "",
        patterns,
    }
}

/// A runtime of Java; vendor and product are the same in the package URL.
const fn java(
    vendor: &'static str,
    product: &'static str,
    cpes: &'static [(&'static str, &'static str)],
    path_part: &'static str,
    contains: &'static str,
    patterns: &'static [&'static str],
) -> Program {
    Program {
        name: product,
        purl: ("generic", vendor, product),
        cpes,
        path_part,
        contains,
        patterns,
    }
}

const fn class(glob: &'static str, programs: &'static [Program]) -> Class {
    Class {
        glob,
        path: None,
        programs,
    }
}

const PYTHON: &[Program] = &[program(
    "python",
    &[
        ("python_software_foundation", "python"),
        ("python", "python"),
    ],
    &[r"\x00(?P<version>{version}[-._a-zA-Z0-9]*)\x00"],
)];
const PHP: &[(&str, &str)] = &[("php", "php")];
const PHP_VERSION: &[&str] =
    &[r"X-Powered-By: PHP/(?P<version>[0-9]+\.[0-9]+\.[0-9]+(beta[0-9]+|alpha[0-9]+|RC[0-9]+)?)"];
const ERLANG: &[(&str, &str)] = &[("erlang", "erlang/otp")];
const ERLANG_SOURCE: &str =
    r"/src/otp_src_(?P<version>[0-9]+\.[0-9]+(\.[0-9]+){0,2}(-rc[0-9])?)/erts/";
const ERLANG_LOCAL_SOURCE: &str =
    r"/usr/local/src/otp-(?P<version>[0-9]+\.[0-9]+(\.[0-9]+){0,2}(-rc[0-9])?)/erts/";

/// All classes.
pub(crate) const CLASSES: &[Class] = &[
    Class {
        glob: "**/python*",
        path: Some(r"(?:.*/|^)python(?P<version>[0-9]+(?:\.[0-9]+)+)$"),
        programs: PYTHON,
    },
    Class {
        glob: "**/libpython*.so*",
        path: Some(r"(?:.*/|^)libpython(?P<version>[0-9]+(?:\.[0-9]+)+)[a-z]?\.so.*$"),
        programs: PYTHON,
    },
    class(
        "**/{go,go.exe}",
        &[program(
            "go",
            &[("golang", "go")],
            &[r"go(?P<version>[0-9]+\.[0-9]+(\.[0-9]+|beta[0-9]+|alpha[0-9]+|rc[0-9]+)?)\x00"],
        )],
    ),
    class(
        "**/redis-server",
        &[program(
            "redis",
            &[("redislabs", "redis"), ("redis", "redis")],
            &[
                r"[^\d](?P<version>\d+.\d+\.\d+)buildkitsandbox-\d+",
                r"[^\d](?P<version>[0-9]+\.[0-9]+\.[0-9]+)\w{12}-\d+",
                r"Redis version (?P<version>[0-9]+\.[0-9]+\.[0-9]+)",
            ],
        )],
    ),
    class(
        "**/node",
        &[program(
            "node",
            &[("nodejs", "node.js")],
            &[
                r"\x00(node )?v(?P<version>(0|4|5|6)\.[0-9]+\.[0-9]+)\x00",
                r"node\.js/v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)",
            ],
        )],
    ),
    class(
        "**/busybox",
        &[program(
            "busybox",
            &[("busybox", "busybox")],
            &[r"BusyBox\s+v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"],
        )],
    ),
    class(
        "**/haproxy",
        &[program(
            "haproxy",
            &[("haproxy", "haproxy")],
            &[
                r"version (?P<version>[0-9]+\.[0-9]+(\.|-dev|-rc)[0-9]+)(-[a-z0-9]{7})?, released 20",
                r"HA-Proxy version (?P<version>[0-9]+\.[0-9]+(\.|-dev)[0-9]+)",
                r"(?P<version>[0-9]+\.[0-9]+(\.|-dev)[0-9]+)-[0-9a-zA-Z]{7}.+HAProxy version",
            ],
        )],
    ),
    class(
        "**/perl",
        &[Program {
            name: "perl",
            purl: ("cpan", "", "perl"),
            cpes: &[("perl", "perl")],
            path_part: "",
            contains: "",
            patterns: &[r"/usr/local/lib/perl\d/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"],
        }],
    ),
    class(
        "**/httpd",
        &[program(
            "httpd",
            &[("apache", "http_server")],
            &[r"Apache/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"],
        )],
    ),
    class(
        "**/memcached",
        &[program(
            "memcached",
            &[("memcached", "memcached")],
            &[r"memcached\s(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"],
        )],
    ),
    class(
        "**/traefik",
        &[program(
            "traefik",
            &[("traefik", "traefik")],
            &[
                r"(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00\x00",
                r"(\x00v?|[\x80-\xff].?)(?P<version>[0-9]+\.[0-9]+\.[0-9]+(-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00",
            ],
        )],
    ),
    class(
        "**/postgres",
        &[program(
            "postgresql",
            &[("postgresql", "postgresql")],
            &[
                r"(\x00|\?)PostgreSQL (?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)",
            ],
        )],
    ),
    class(
        "**/mysql",
        &[program(
            "mysql",
            &[("oracle", "mysql")],
            &[
                r"\x00(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)\x00+mysql",
                r".*/mysql-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)",
            ],
        )],
    ),
    class(
        "**/mysqld",
        &[program(
            "mysql-server",
            &[("oracle", "mysql"), ("oracle", "mysql_server")],
            &[r"/mysql-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)/"],
        )],
    ),
    class(
        "**/{mariadb,mysql}",
        &[program(
            "mariadb",
            &[("mariadb", "mariadb")],
            &[
                r"(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)-MariaDB",
                r"(?:^|/)mariadb-(?P<version>[0-9]+(\.[0-9]+)?(\.[0-9]+)?(alpha[0-9]|beta[0-9]|rc[0-9])?)-",
            ],
        )],
    ),
    class(
        "**/ruby",
        &[program(
            "ruby",
            &[("ruby-lang", "ruby")],
            &[r"ruby (?P<version>[0-9]+\.[0-9]+\.[0-9]+((p|preview|rc|dev)[0-9]*)?) "],
        )],
    ),
    class(
        "**/{erlexec,liberts_internal.a}",
        &[program(
            "erlang",
            ERLANG,
            &[ERLANG_SOURCE, ERLANG_LOCAL_SOURCE],
        )],
    ),
    class(
        "**/beam.smp",
        &[program(
            "erlang",
            ERLANG,
            &[
                ERLANG_SOURCE,
                ERLANG_LOCAL_SOURCE,
                r"\x00+(?P<version>[0-9]+\.[0-9]+(\.[0-9]+){0,2}(-rc[0-9])?)\x00+Erlang/OTP",
                r"(?s)Erlang/OTP.{1,150}\x00+(?P<version>[0-9]+\.[0-9]+(\.[0-9]+){0,2}(-rc[0-9])?)\x00+",
            ],
        )],
    ),
    class(
        "**/nginx",
        &[program(
            "nginx",
            &[("f5", "nginx"), ("nginx", "nginx")],
            &[
                r"(\x00|\?)nginx version: [^/]+/(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:\+\d+)?(?:-\d+)?)",
            ],
        )],
    ),
    class(
        "**/openssl",
        &[
            program(
                "aws-lc",
                &[("amazon", "aws_libcrypto")],
                &[r"AWS-LC (?P<version>[0-9]+\.[0-9]+\.[0-9]+)\)\x00"],
            ),
            program(
                "openssl",
                &[("openssl", "openssl")],
                &[
                    r"\x00OpenSSL (?P<version>[0-9]+\.[0-9]+\.[0-9]+([a-z]+|-alpha[0-9]|-beta[0-9]|-rc[0-9])?)",
                ],
            ),
        ],
    ),
    class(
        "**/envoy",
        &[program(
            "envoy",
            &[("envoyproxy", "envoy")],
            &[
                r"(?s)\x00(?P<version>1\.[34][0-9]\.[0-9]+(-dev)?)\x00.{0,1000}envoy_reloadable_features",
                r"(?s)\x00(?P<version>1\.34\.5)\x00.{0,200}envoy\.reloadable_features",
                r"DeltaDiscoveryResponse\.removed_resources\x00(?P<version>1\.[34][0-9]\.[0-9]+(-dev)?)\x00",
                r"(?s)envoy_quic_.{0,1000}\x00(?P<version>1\.2[0-9]\.[0-9]+(-dev)?)\x00",
                r"(?s)\x00(?P<version>1\.[12][0-9]\.[0-9]+(-dev)?)\x00.{0,1000}Unable to",
                r"(?s)\x00(?P<version>1\.2[0-9]\.[0-9]+(-dev)?)\x00.{0,580}ValidationError",
                r"(?s)\x00(?P<version>1\.1[0-9]\.[0-9]+(-dev)?)\x00.{0,1000}ValidationError",
                r"(?s)\[source/.{0,200}\x00(?P<version>1\.1[0-9]\.[0-9]+(-dev)?)\x00",
                r"(?s)\x00(?P<version>1\.[0-9]\.[0-9]+(-dev)?)\x00.{0,20}RELEASE",
            ],
        )],
    ),
    Class {
        glob: "**/php*",
        path: Some(r"(?:.*/|^)php[0-9]*$"),
        programs: &[program("php-cli", PHP, PHP_VERSION)],
    },
    class("**/php-fpm*", &[program("php-fpm", PHP, PHP_VERSION)]),
    class(
        "**/apache*/**/libphp*.so",
        &[Program {
            name: "libphp",
            purl: ("generic", "", "php"),
            cpes: PHP,
            path_part: "",
            contains: "",
            patterns: PHP_VERSION,
        }],
    ),
    class(
        "**/java",
        &[
            java(
                "oracle",
                "graalvm",
                &[("oracle", "graalvm")],
                "",
                "",
                &[r"\x00(?P<version>[0-9]+[.0-9]+[.0-9]+\+[0-9]+-jvmci-[0-9]+[.0-9]+-b[0-9]+)\x00"],
            ),
            java(
                "azul",
                "zulu",
                &[("azul", "zulu")],
                "zulu",
                "",
                &[
                    r"\x00java\x00(?P<release>[0-9]+[.0-9]*)\x00(?P<version>[0-9]+[^\x00]+)\x00",
                    r"\x00(?P<release>[0-9]+[.0-9]*)\x00+(?P<version>[0-9]+[^\x00]+)\x00+(openjdk|java)",
                ],
            ),
            java(
                "oracle",
                "openjdk",
                &[("oracle", "openjdk")],
                "",
                "openjdk",
                &[
                    r"java\x00(?P<release>[0-9]+[.0-9]*)\x00(?P<version>(?P<primary>[0-9]+[^\x00]+)_(?P<update>[^\x00]+)-[^\x00]+)\x00",
                    r"\x00(?P<release>[0-9]+[.0-9]*)\x00+(?P<version>(?P<primary>[0-9]+[^\x00]+)_(?P<update>[^\x00]+)-[^\x00]+)\x00+openjdk\x00java",
                ],
            ),
            java(
                "oracle",
                "openjdk",
                &[("oracle", "openjdk")],
                "",
                "",
                &[
                    r"\x00openjdk\x00java\x00(?P<release>[0-9]+[.0-9]*)\x00(?P<version>[0-9]+[^\x00]+)\x00",
                    r"\x00(?P<release>[0-9]+[.0-9]*)\x00+(?P<version>[0-9]+[^\x00]+)\x00+openjdk\x00java",
                ],
            ),
            java(
                "ibm",
                "java",
                &[("ibm", "java")],
                "/ibm/",
                "",
                &[
                    r"\x00java\x00+(?P<release>[0-9]+[.0-9]+)\x00+(?P<version>[0-9]+[-._a-zA-Z0-9]+)\x00",
                ],
            ),
            java(
                "oracle",
                "jre",
                &[("oracle", "jre")],
                "",
                "openjdk",
                &[r"\x00(?P<version>[0-9]+[.0-9]+[+][-0-9]+)\x00"],
            ),
            java(
                "oracle",
                "jre",
                &[("oracle", "jre")],
                "",
                "",
                &[r"\x00(?P<version>[0-9]+\.[0-9]+\.[-._+a-zA-Z0-9]+)\x00"],
            ),
        ],
    ),
];

/// The globs of all classes, in their order, and the release files of Java's runtimes.
pub(crate) const GLOBS: &[&str] = &[
    "**/python*",
    "**/libpython*.so*",
    "**/{go,go.exe}",
    "**/redis-server",
    "**/node",
    "**/busybox",
    "**/haproxy",
    "**/perl",
    "**/httpd",
    "**/memcached",
    "**/traefik",
    "**/postgres",
    "**/mysql",
    "**/mysqld",
    "**/{mariadb,mysql}",
    "**/ruby",
    "**/{erlexec,liberts_internal.a}",
    "**/beam.smp",
    "**/nginx",
    "**/openssl",
    "**/envoy",
    "**/php*",
    "**/php-fpm*",
    "**/apache*/**/libphp*.so",
    "**/java",
    "**/release",
];
