//! The stack's own folder `.local`: data, logs, keys, the variables of a running stack, and the lock that tells whether
//! there is one.

use std::{
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

    /// Writes `.local/env` for those who come: one variable a line, as a shell and dotenv read it.
    pub fn write_env(&self, variables: &BTreeMap<String, String>) -> Result<(), HomeError> {
        let text: String = variables
            .iter()
            .map(|(name, value)| {
                // Bare where that is the same: what has `<` or a blank would end a shell's reading.
                let is_bare = !value.contains(|sign: char| {
                    sign.is_whitespace() || "<>()&;|*?$`\"\\#~".contains(sign)
                });
                let quote = if is_bare { "" } else { "'" };
                format!("{name}={quote}{value}{quote}\n")
            })
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
        let owned =
            pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()));
        Some(owned.collect())
    }
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
        let pairs = [
            ("API_URL", "http://x"),
            ("EMAIL_FROM", "Ada <ada@example.com>"),
        ];
        let variables =
            BTreeMap::from(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        home.write_env(&variables).unwrap();
        assert!(matches!(home.lock(), Err(HomeError::Taken { .. })));
        assert_eq!(home.running().unwrap(), variables);
        let read = std::process::Command::new("sh")
            .args(["-ec", ". \"$0/env\"; echo \"$API_URL $EMAIL_FROM\""])
            .arg(&path)
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&read.stdout),
            "http://x Ada <ada@example.com>\n"
        );
        drop(lock);
        assert!(home.running().is_none());
        fs::remove_dir_all(path).unwrap();
    }
}
