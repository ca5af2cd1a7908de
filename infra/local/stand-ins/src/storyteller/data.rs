//! The form of the data files: remarks after `#`, sections that begin with `[title]`, one entry a line.

/// The lines of a file that are neither empty nor a remark.
pub(crate) fn lines(file: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = file.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A part of a file: what stands between brackets, and the lines below.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<&'static str>,
}

/// The sections of a file, in order; a title may come more than once.
pub(crate) fn sections(file: &'static str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in lines(file) {
        let title = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'));
        match (title, sections.last_mut()) {
            (Some(title), _) => sections.push(Section {
                title,
                lines: Vec::new(),
            }),
            (None, Some(section)) => section.lines.push(line),
            (None, None) => {}
        }
    }
    sections
}

/// The lines of the first section of that title; none when there is no such section.
pub(crate) fn section(file: &'static str, title: &str) -> Vec<&'static str> {
    let mut sections = sections(file).into_iter();
    let found = sections.find(|section| section.title == title);
    found.map(|section| section.lines).unwrap_or_default()
}

/// The lines of a section as columns.
pub(crate) fn rows<const COUNT: usize>(
    file: &'static str,
    title: &str,
) -> impl Iterator<Item = [&'static str; COUNT]> + use<COUNT> {
    section(file, title).into_iter().map(columns)
}

/// A line's columns, between bars; missing ones are empty.
pub(crate) fn columns<const COUNT: usize>(line: &'static str) -> [&'static str; COUNT] {
    let mut columns = line.split(" | ");
    std::array::from_fn(|_| columns.next().unwrap_or_default())
}

/// How often the words, between commas, occur in a text.
pub(crate) fn count(words: &str, text: &str) -> usize {
    words
        .split(", ")
        .map(|word| text.matches(word).count())
        .sum()
}
