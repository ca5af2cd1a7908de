//! What the four functions say, in one stream: from the files of the local stack, or of a deployed one by the AWS command line.

use serde_json::{Map, Value};
use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::mpsc,
};

/// The four of them, by the middle of their names.
pub const FUNCTIONS: [&str; 4] = [
    "universal-agent",
    "content-agent",
    "asset-worker",
    "timeout-handler",
];

/// One line of a function's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub function: &'static str,
    /// Time, level, message and what was noted with them.
    pub fields: Map<String, Value>,
}

impl Line {
    /// `None` for what the platform says between the lines.
    pub fn parse(function: &'static str, text: &str) -> Option<Self> {
        let json = text.get(text.find('{')?..)?;
        let fields = serde_json::from_str(json).ok()?;
        Some(Self { function, fields })
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    fn time(&self) -> &str {
        self.field("timestamp").unwrap_or_default()
    }

    /// For people: time of day, function, level, message, and the fields behind it.
    pub fn shown(&self) -> String {
        let time = self.time();
        let time = time.get(11..23).unwrap_or(time);
        let [level, message] =
            ["level", "message"].map(|name| self.field(name).unwrap_or_default());
        let known = ["timestamp", "level", "message", "target"];
        let rest = self
            .fields
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_str()));
        let rest: String = rest
            .map(|(name, value)| match value {
                Value::String(text) => format!(" {name}={text}"),
                other => format!(" {name}={other}"),
            })
            .collect();
        format!("{time} {:<15} {level:<5} {message}{rest}", self.function)
    }
}

/// Which lines are wanted: those of a story or of a request, and whatever else was said of the same requests.
#[derive(Debug, Default)]
pub struct Wanted {
    id: Option<String>,
    requests: HashSet<String>,
}

impl Wanted {
    /// All lines where nothing is named.
    pub fn new(id: Option<&str>) -> Self {
        Self {
            id: id.map(str::to_owned),
            requests: HashSet::new(),
        }
    }

    /// Whether it is one of them. What is asked in the order of time misses only what a request said before it named its
    /// story.
    pub fn is_met_by(&mut self, line: &Line) -> bool {
        let Some(id) = self.id.as_deref() else {
            return true;
        };
        let request = line.field("requestId");
        let is_named = [line.field("storyId"), request].contains(&Some(id));
        if is_named && let Some(request) = request {
            self.requests.insert(request.to_owned());
        }
        is_named || request.is_some_and(|request| self.requests.contains(request))
    }
}

/// The files of a local stack, read on from where they were read last.
#[derive(Debug)]
pub struct Files {
    all: Vec<(&'static str, PathBuf, u64, String)>,
}

impl Files {
    /// `folder` holds `<function>.log`.
    pub fn open(folder: &Path) -> Self {
        let all = FUNCTIONS.map(|function| {
            let path = folder.join(format!("{function}.log"));
            (function, path, 0, String::new())
        });
        Self { all: all.into() }
    }

    /// What was added since, in the order of time.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub fn read_on(&mut self) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for (function, path, from, begun) in &mut self.all {
            let mut file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            file.seek(SeekFrom::Start(*from))?;
            let mut added = Vec::new();
            *from += file.read_to_end(&mut added)? as u64;
            begun.push_str(&String::from_utf8_lossy(&added));
            // What has no end yet is read the next time.
            let whole = begun.rfind('\n').map_or(0, |at| at + 1);
            let rest = begun.split_off(whole);
            lines.extend(begun.lines().filter_map(|text| Line::parse(function, text)));
            *begun = rest;
        }
        lines.sort_by(|one, other| one.time().cmp(other.time()));
        Ok(lines)
    }
}

/// The log groups of a deployed environment, each read by a process of its own.
#[derive(Debug)]
pub struct Groups {
    lines: mpsc::Receiver<Line>,
    /// Stopped with this.
    _children: Vec<Child>,
}

impl Groups {
    /// `since` as `aws logs tail` takes it, `10m` or `7d`.
    ///
    /// # Errors
    /// When there is no AWS command line.
    pub fn open(
        environment: &str,
        since: &str,
        follows: bool,
        id: Option<&str>,
    ) -> io::Result<Self> {
        let (sender, lines) = mpsc::channel(256);
        let mut children = Vec::new();
        for function in FUNCTIONS {
            let mut command = Command::new("aws");
            let group = format!("/aws/lambda/storytailor-{function}-{environment}");
            command.args([
                "logs", "tail", &group, "--format", "short", "--since", since,
            ]);
            if follows {
                command.arg("--follow");
            }
            if let Some(id) = id {
                let pattern = format!(r#"{{ $.storyId = "{id}" || $.requestId = "{id}" }}"#);
                command.args(["--filter-pattern", &pattern]);
            }
            let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
            if let Some(said) = child.stdout.take() {
                let sender = sender.clone();
                tokio::spawn(async move {
                    let mut said = BufReader::new(said).lines();
                    while let Ok(Some(text)) = said.next_line().await {
                        if let Some(line) = Line::parse(function, &text)
                            && sender.send(line).await.is_err()
                        {
                            return;
                        }
                    }
                });
            }
            children.push(child);
        }
        Ok(Self {
            lines,
            _children: children,
        })
    }

    /// The next line; `None` once all of them were told.
    pub async fn next(&mut self) -> Option<Line> {
        self.lines.recv().await
    }
}

/// Where lines come from: the files of the local stack, or the log groups of a deployed one.
#[derive(Debug)]
pub enum Source {
    Files(Files),
    Groups(Groups),
}

/// Between two looks at the files.
const PAUSE: Duration = Duration::from_millis(250);

impl Source {
    /// Tells each line that is wanted, in the order of time; for ever if it `follows` files.
    ///
    /// # Errors
    /// When files cannot be read.
    pub async fn tell(
        mut self,
        id: Option<&str>,
        follows: bool,
        mut tell: impl FnMut(&Line),
    ) -> io::Result<()> {
        let mut wanted = Wanted::new(id);
        let mut tell = |line: &Line| {
            if wanted.is_met_by(line) {
                tell(line);
            }
        };
        match &mut self {
            Self::Groups(groups) => {
                while let Some(line) = groups.next().await {
                    tell(&line);
                }
            }
            Self::Files(files) => loop {
                files.read_on()?.iter().for_each(&mut tell);
                if !follows {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            },
        }
        Ok(())
    }

    /// All lines that concern a story or a request, what a request said before it named its story among them.
    ///
    /// # Errors
    /// When files cannot be read.
    pub async fn read_all(self, id: &str) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        self.tell(None, false, |line| lines.push(line.clone()))
            .await?;
        let mut wanted = Wanted::new(Some(id));
        lines.iter().for_each(|line| {
            wanted.is_met_by(line);
        });
        lines.retain(|line| wanted.is_met_by(line));
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(time: &str, story: Option<&str>, request: &str) -> String {
        let story = story.map_or(String::new(), |story| format!(r#","storyId":"{story}""#));
        format!(
            r#"{{"timestamp":"2026-11-26T10:00:{time}Z","level":"INFO","message":"Hello","requestId":"{request}"{story}}}"#
        )
    }

    #[test]
    fn lines_of_all_functions_come_in_the_order_of_time_and_half_a_line_comes_with_its_end() {
        let folder = std::env::temp_dir().join(format!("logs-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        let (first, second) = (said("01.000", None, "a"), said("02.000", Some("s"), "b"));
        write("content-agent.log", &format!("START\n{second}\n"));
        let (begin, end) = first.split_at(20);
        write("universal-agent.log", begin);
        let mut files = Files::open(&folder);
        let functions =
            |lines: Vec<Line>| lines.iter().map(|line| line.function).collect::<Vec<_>>();
        assert_eq!(functions(files.read_on().unwrap()), ["content-agent"]);
        write("universal-agent.log", &format!("{begin}{end}\n"));
        assert_eq!(functions(files.read_on().unwrap()), ["universal-agent"]);
        let all = Files::open(&folder).read_on().unwrap();
        assert_eq!(
            all[1].shown(),
            "10:00:02.000 content-agent   INFO  Hello requestId=b storyId=s"
        );
        assert_eq!(functions(all), ["universal-agent", "content-agent"]);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn of_one_story_come_its_lines_and_those_of_the_requests_that_named_it() {
        let mut wanted = Wanted::new(Some("s"));
        let line = |text: &str| Line::parse("content-agent", text).unwrap();
        let met = [
            (None, "a"),
            (Some("s"), "a"),
            (None, "a"),
            (None, "b"),
            (Some("t"), "c"),
        ]
        .map(|(story, request)| wanted.is_met_by(&line(&said("01.000", story, request))));
        assert_eq!(met, [false, true, true, false, false]);
        assert!(Wanted::new(None).is_met_by(&line(&said("01.000", None, "a"))));
        assert!(Wanted::new(Some("a")).is_met_by(&line(&said("01.000", None, "a"))));
    }
}
