//! The stack's own folder `.local`: data, logs, keys, the variables of a running stack, and the lock that tells whether
//! there is one.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// A folder that holds one stack.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("could not use the folder {}", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("a stack is up already in {}: stop it with Ctrl-C there, or use it", path.display())]
    Taken { path: PathBuf },
}

/// Held while a stack runs; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Home {
    /// Makes the folder where it is missing.
    pub fn open(path: PathBuf) -> Result<Self, HomeError> {
        fs::create_dir_all(path.join("logs")).map_err(|source| HomeError::Folder {
            path: path.clone(),
            source,
        })?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Takes the folder for one stack.
    pub fn lock(&self) -> Result<Lock, HomeError> {
        let path = self.join("lock");
        let failed = |source| HomeError::Folder {
            path: self.0.clone(),
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(HomeError::Taken {
                path: self.0.clone(),
            }),
            Err(fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The variables of the stack that is up here, if one is.
    pub fn running(&self) -> Option<BTreeMap<String, String>> {
        match self.lock() {
            Err(HomeError::Taken { .. }) => self.read_env(),
            _ => None,
        }
    }

    /// Writes `.local/env` for those who come: dotenv that a shell can read too, one variable a line.
    pub fn write_env(&self, variables: &BTreeMap<String, String>) -> Result<(), HomeError> {
        let text: String = variables
            .iter()
            .map(|(name, value)| format!("{name}={}\n", quote(value)))
            .collect();
        let path = self.join("env");
        fs::write(&path, text).map_err(|source| HomeError::Folder { path, source })
    }

    /// Takes the variables away when the stack goes down.
    pub fn remove_env(&self) {
        // A missing file is what is wanted.
        let _ = fs::remove_file(self.join("env"));
    }

    fn read_env(&self) -> Option<BTreeMap<String, String>> {
        let text = fs::read_to_string(self.join("env")).ok()?;
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let owned = pairs.map(|(name, value)| (name.to_owned(), unquote(value)));
        Some(owned.collect())
    }
}

/// A value as it is, or in single quotes where a shell would make something else of it.
fn quote(value: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&byte);
    if value.bytes().all(is_plain) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(format!("'{}'", value.replace('\'', r"'\''")))
}

fn unquote(value: &str) -> String {
    let quoted = value
        .strip_prefix('\'')
        .and_then(|value| value.strip_suffix('\''));
    quoted.map_or_else(|| value.to_owned(), |value| value.replace(r"'\''", "'"))
}

/// The folder of the workspace this program was built from.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(3).unwrap_or(here).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_stack_in_one_folder_is_refused_and_finds_the_first_ones_variables() {
        let path = std::env::temp_dir().join(format!("storytailor-home-{}", uuid::Uuid::new_v4()));
        let home = Home::open(path.clone()).unwrap();
        let lock = home.lock().unwrap();
        home.write_env(&BTreeMap::from([(
            "API_URL".to_owned(),
            "http://x".to_owned(),
        )]))
        .unwrap();
        assert!(matches!(home.lock(), Err(HomeError::Taken { .. })));
        assert_eq!(home.running().unwrap()["API_URL"], "http://x");
        drop(lock);
        assert!(home.running().is_none());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_shell_reads_the_variables_as_they_are_however_odd_they_are() {
        let path = std::env::temp_dir().join(format!("storytailor-home-{}", uuid::Uuid::new_v4()));
        let home = Home::open(path.clone()).unwrap();
        let odd = [
            "Ada's <a@b.example>",
            r#"{"a":[1,"$HOME"]}"#,
            "a b;c",
            "http://x:1/?y=%20",
        ];
        for value in odd {
            home.write_env(&BTreeMap::from([("ODD".to_owned(), value.to_owned())]))
                .unwrap();
            let read = std::process::Command::new("sh")
                .args(["-c", r#". "$0"; printf %s "$ODD""#])
                .arg(home.join("env"))
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&read.stdout), value);
            assert_eq!(home.read_env().unwrap()["ODD"], value);
        }
        fs::remove_dir_all(path).unwrap();
    }
}
