//! The templates as they are compiled in.

/// Names and sources of a list of files below `templates/mail/`.
macro_rules! compiled_in {
    ($($name:literal),+ $(,)?) => {
        &[$((
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/mail/", $name)),
        )),+]
    };
}

/// Name and source of every template of every letter.
pub(super) const ALL: &[(&str, &str)] = compiled_in![
    "_parts/en/incident.txt",
    "_parts/en/incident.html",
    "_parts/en/clocks.txt",
    "_parts/en/clocks.html",
    "_parts/zh-CN/incident.txt",
    "_parts/zh-CN/incident.html",
    "_parts/zh-CN/clocks.txt",
    "_parts/zh-CN/clocks.html",
    "_parts/layout.html",
    "raised/en/subject.txt",
    "raised/en/body.txt",
    "raised/en/body.html",
    "raised/zh-CN/subject.txt",
    "raised/zh-CN/body.txt",
    "raised/zh-CN/body.html",
    "warned/en/subject.txt",
    "warned/en/body.txt",
    "warned/en/body.html",
    "warned/zh-CN/subject.txt",
    "warned/zh-CN/body.txt",
    "warned/zh-CN/body.html",
    "escalated/en/subject.txt",
    "escalated/en/body.txt",
    "escalated/en/body.html",
    "escalated/zh-CN/subject.txt",
    "escalated/zh-CN/body.txt",
    "escalated/zh-CN/body.html",
    "breached/en/subject.txt",
    "breached/en/body.txt",
    "breached/en/body.html",
    "breached/zh-CN/subject.txt",
    "breached/zh-CN/body.txt",
    "breached/zh-CN/body.html",
    "resolved/en/subject.txt",
    "resolved/en/body.txt",
    "resolved/en/body.html",
    "resolved/zh-CN/subject.txt",
    "resolved/zh-CN/body.txt",
    "resolved/zh-CN/body.html",
    "corrected/en/subject.txt",
    "corrected/en/body.txt",
    "corrected/en/body.html",
    "corrected/zh-CN/subject.txt",
    "corrected/zh-CN/body.txt",
    "corrected/zh-CN/body.html",
    "report/en/subject.txt",
    "report/en/body.txt",
    "report/en/body.html",
    "report/zh-CN/subject.txt",
    "report/zh-CN/body.txt",
    "report/zh-CN/body.html",
];
