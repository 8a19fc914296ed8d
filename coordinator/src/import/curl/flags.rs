//! What curl's options do to a request, and whether they take a value.

/// What an option is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Method,
    Header,
    /// Data, and whether `@` names a file in it.
    Data {
        files: bool,
    },
    Urlencoded,
    Json,
    /// Data goes into the URL.
    Get,
    Head,
    Url,
    UserAgent,
    Referer,
    Proxy,
    Insecure,
    Location,
    MaxRedirects,
    MaxTime,
    /// A secret.
    Secret,
    /// A part of a body, and whether `@` names a file in it.
    Part {
        files: bool,
    },
    /// A body from a file.
    Upload,
    /// It changes nothing that a plan says, or only what is printed.
    Nothing,
    /// It changes something that a plan cannot say, or says elsewhere.
    Elsewhere,
}

/// An option of curl.
pub(super) struct Flag {
    short: Option<char>,
    long: &'static str,
    pub(super) takes_value: bool,
    pub(super) effect: Effect,
}

const fn flag(short: char, long: &'static str, effect: Effect) -> Flag {
    Flag { short: if short == ' ' { None } else { Some(short) }, long, takes_value: false, effect }
}

const fn with_value(short: char, long: &'static str, effect: Effect) -> Flag {
    let flag = flag(short, long, effect);
    Flag { takes_value: true, ..flag }
}

static FLAGS: &[Flag] = &[
    with_value('X', "request", Effect::Method),
    with_value('H', "header", Effect::Header),
    with_value('d', "data", Effect::Data { files: true }),
    with_value(' ', "data-ascii", Effect::Data { files: true }),
    with_value(' ', "data-binary", Effect::Data { files: true }),
    with_value(' ', "data-raw", Effect::Data { files: false }),
    with_value(' ', "data-urlencode", Effect::Urlencoded),
    with_value(' ', "json", Effect::Json),
    flag('G', "get", Effect::Get),
    flag('I', "head", Effect::Head),
    with_value(' ', "url", Effect::Url),
    with_value('A', "user-agent", Effect::UserAgent),
    with_value('e', "referer", Effect::Referer),
    with_value('x', "proxy", Effect::Proxy),
    flag('k', "insecure", Effect::Insecure),
    flag('L', "location", Effect::Location),
    with_value(' ', "max-redirs", Effect::MaxRedirects),
    with_value('m', "max-time", Effect::MaxTime),
    with_value('u', "user", Effect::Secret),
    with_value('U', "proxy-user", Effect::Secret),
    with_value('b', "cookie", Effect::Secret),
    with_value(' ', "oauth2-bearer", Effect::Secret),
    with_value('E', "cert", Effect::Elsewhere),
    with_value(' ', "key", Effect::Elsewhere),
    with_value(' ', "cacert", Effect::Elsewhere),
    with_value(' ', "connect-timeout", Effect::Elsewhere),
    with_value(' ', "resolve", Effect::Elsewhere),
    with_value(' ', "connect-to", Effect::Elsewhere),
    with_value(' ', "interface", Effect::Elsewhere),
    with_value(' ', "unix-socket", Effect::Elsewhere),
    with_value(' ', "retry", Effect::Elsewhere),
    with_value('r', "range", Effect::Elsewhere),
    with_value('K', "config", Effect::Elsewhere),
    with_value(' ', "noproxy", Effect::Elsewhere),
    with_value('F', "form", Effect::Part { files: true }),
    with_value(' ', "form-string", Effect::Part { files: false }),
    with_value('T', "upload-file", Effect::Upload),
    with_value('o', "output", Effect::Nothing),
    with_value('w', "write-out", Effect::Nothing),
    with_value('c', "cookie-jar", Effect::Nothing),
    with_value('D', "dump-header", Effect::Nothing),
    with_value(' ', "retry-delay", Effect::Nothing),
    with_value(' ', "retry-max-time", Effect::Nothing),
    with_value(' ', "keepalive-time", Effect::Nothing),
    with_value(' ', "stderr", Effect::Nothing),
    with_value(' ', "trace", Effect::Nothing),
    with_value(' ', "trace-ascii", Effect::Nothing),
    flag(' ', "compressed", Effect::Nothing),
    flag('s', "silent", Effect::Nothing),
    flag('S', "show-error", Effect::Nothing),
    flag('v', "verbose", Effect::Nothing),
    flag('i', "include", Effect::Nothing),
    flag(' ', "show-headers", Effect::Nothing),
    flag('f', "fail", Effect::Nothing),
    flag(' ', "fail-with-body", Effect::Nothing),
    flag('g', "globoff", Effect::Nothing),
    flag('N', "no-buffer", Effect::Nothing),
    flag('O', "remote-name", Effect::Nothing),
    flag('J', "remote-header-name", Effect::Nothing),
    flag('#', "progress-bar", Effect::Nothing),
    flag(' ', "no-progress-meter", Effect::Nothing),
    flag('q', "disable", Effect::Nothing),
    flag('4', "ipv4", Effect::Nothing),
    flag('6', "ipv6", Effect::Nothing),
    flag('0', "http1.0", Effect::Nothing),
    flag(' ', "http1.1", Effect::Nothing),
    flag(' ', "http2", Effect::Nothing),
    flag(' ', "http2-prior-knowledge", Effect::Nothing),
    flag(' ', "http3", Effect::Nothing),
    flag(' ', "path-as-is", Effect::Nothing),
    flag(' ', "location-trusted", Effect::Location),
    flag(' ', "basic", Effect::Nothing),
];

/// The option with this long name.
pub(super) fn long(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.long == name)
}

/// The option with this letter.
pub(super) fn short(letter: char) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.short == Some(letter))
}
