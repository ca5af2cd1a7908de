//! How much it matters that a picture shows a trait (S1-263): data of the deployment.

use domain::traits::Trait;
use runtime::{SettingError, Variables, env};
use std::{collections::HashMap, str::FromStr};

/// What becomes of a picture that does not show a trait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// It fails its check.
    #[default]
    Required,
    /// It is drawn again, and taken as it is where no try is left.
    Wanted,
    /// Nobody asks.
    Ignored,
}

impl FromStr for Strictness {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "required" => Ok(Self::Required),
            "wanted" => Ok(Self::Wanted),
            "ignored" => Ok(Self::Ignored),
            _ => Err(()),
        }
    }
}

/// Of every trait; what nobody named is required.
#[derive(Clone, Debug, Default)]
pub struct TraitStrictness(HashMap<Trait, Strictness>);

impl TraitStrictness {
    /// `IMAGE_CHECK_TRAITS` (`glasses=wanted,cane=ignored`), and `IMAGE_CHECK_SKIPS`, whose traits are ignored.
    pub(crate) fn from_variables(variables: &Variables) -> Result<Self, SettingError> {
        let mut known = HashMap::new();
        for (name, default) in [
            (env::IMAGE_CHECK_SKIPS, Some(Strictness::Ignored)),
            (env::IMAGE_CHECK_TRAITS, None),
        ] {
            for entry in variables.list_or(name, "") {
                let invalid = |problem: String| SettingError::Invalid { name, problem };
                let (code, strictness) = match (entry.split_once('='), default) {
                    (None, Some(default)) => (entry.as_str(), default),
                    (Some((code, word)), None) => {
                        let strictness = word.trim().parse().map_err(|()| {
                            invalid(format!(
                                "`{}` is none of required, wanted and ignored",
                                word.trim()
                            ))
                        })?;
                        (code.trim(), strictness)
                    }
                    _ => return Err(invalid(format!("`{entry}` is no entry of it"))),
                };
                let known_trait = Trait::parse(code).map_err(|error| invalid(error.to_string()))?;
                known.insert(known_trait, strictness);
            }
        }
        Ok(Self(known))
    }

    pub(crate) fn of(&self, known: Trait) -> Strictness {
        self.0.get(&known).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(traits: &str, skips: &str) -> Result<TraitStrictness, String> {
        let settings = [("IMAGE_CHECK_TRAITS", traits), ("IMAGE_CHECK_SKIPS", skips)];
        let read = TraitStrictness::from_variables(&Variables::from_pairs(settings));
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn each_trait_is_as_strict_as_its_setting_says_and_required_where_none_does() {
        let strictness = read("glasses=wanted, cane = required", "cane,braces").expect("settings");
        let of = |code: &str| strictness.of(Trait::parse(code).expect("a trait"));
        assert_eq!(
            ["glasses", "cane", "braces", "hijab"].map(of),
            [
                Strictness::Wanted,
                Strictness::Required,
                Strictness::Ignored,
                Strictness::Required
            ]
        );
        for wrong in ["glasses=perhaps", "glasses", "wings=wanted"] {
            let problem = read(wrong, "").expect_err("a refusal");
            assert!(problem.starts_with("IMAGE_CHECK_TRAITS"), "{problem}");
        }
        assert!(read("", "glasses=wanted").is_err());
    }
}
