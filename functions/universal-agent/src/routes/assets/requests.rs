//! The bodies of the verbs: which assets, and with which wishes.

use crate::extract::{Checked, given};
use domain::{
    AssetType,
    request::{InvalidField, VOICE_CHARS_MAX},
    text::bounded_line,
};
use serde::{Deserialize, Serialize};
use store::AssetOptions;

const STYLE_CHARS_MAX: usize = 60;

/// Wishes before they are believed.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct OptionsForm {
    simplify_prompt: bool,
    style: Option<String>,
    voice_id: Option<String>,
}

impl Checked for AssetOptions {
    type Form = OptionsForm;

    fn check(form: OptionsForm) -> Result<Self, InvalidField> {
        let voice_id = form
            .voice_id
            .map(|voice| bounded_line("voiceId", &voice, VOICE_CHARS_MAX));
        let style = form
            .style
            .map(|style| bounded_line("style", &style, STYLE_CHARS_MAX));
        Ok(Self {
            simplify_prompt: form.simplify_prompt,
            style: style.transpose()?,
            voice_id: voice_id.transpose()?,
        })
    }
}

/// At least one, each once, in the order of the asset graph.
fn distinct(mut assets: Vec<AssetType>) -> Result<Vec<AssetType>, InvalidField> {
    if assets.is_empty() {
        return Err(InvalidField::new(
            "assetTypes",
            "must name at least one asset",
        ));
    }
    assets.sort_unstable();
    assets.dedup();
    Ok(assets)
}

/// `{"assetTypes": […]?, "options": {…}?, "force": …?}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RetryForm {
    #[serde(default, deserialize_with = "given")]
    asset_types: Option<Vec<AssetType>>,
    #[serde(default)]
    options: OptionsForm,
    #[serde(default)]
    force: bool,
}

#[derive(Serialize)]
pub(crate) struct Retry {
    /// `None`: all that failed.
    pub(crate) assets: Option<Vec<AssetType>>,
    pub(crate) options: AssetOptions,
    /// Settled assets of any kind, whatever their retries (C-42).
    pub(crate) force: bool,
}

impl Checked for Retry {
    type Form = RetryForm;

    fn check(form: RetryForm) -> Result<Self, InvalidField> {
        Ok(Self {
            assets: form.asset_types.map(distinct).transpose()?,
            options: AssetOptions::check(form.options)?,
            force: form.force,
        })
    }
}

/// `{"assetTypes": […], "options": {…}?}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GenerateForm {
    asset_types: Vec<AssetType>,
    #[serde(default)]
    options: OptionsForm,
}

#[derive(Serialize)]
pub(crate) struct GenerateRequest {
    pub(crate) assets: Vec<AssetType>,
    pub(crate) options: AssetOptions,
}

impl Checked for GenerateRequest {
    type Form = GenerateForm;

    fn check(form: GenerateForm) -> Result<Self, InvalidField> {
        Ok(Self {
            assets: distinct(form.asset_types)?,
            options: AssetOptions::check(form.options)?,
        })
    }
}

/// `{"assetTypes": […]?}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CancelForm {
    #[serde(default, deserialize_with = "given")]
    asset_types: Option<Vec<AssetType>>,
}

#[derive(Serialize)]
pub(crate) struct Cancel {
    /// `None`: everything that is not settled.
    pub(crate) assets: Option<Vec<AssetType>>,
}

impl Checked for Cancel {
    type Form = CancelForm;

    fn check(form: CancelForm) -> Result<Self, InvalidField> {
        let assets = form.asset_types.map(distinct).transpose()?;
        Ok(Self { assets })
    }
}

/// `{"skipFailed": …?}`
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Continue {
    #[serde(default = "yes")]
    pub(crate) skip_failed: bool,
}

fn yes() -> bool {
    true
}

impl Checked for Continue {
    type Form = Self;

    fn check(form: Self) -> Result<Self, InvalidField> {
        Ok(form)
    }
}

/// `{"assetTypes": […]}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EstimateForm {
    asset_types: Vec<AssetType>,
}

pub(crate) struct EstimateRequest {
    pub(crate) assets: Vec<AssetType>,
}

impl Checked for EstimateRequest {
    type Form = EstimateForm;

    fn check(form: EstimateForm) -> Result<Self, InvalidField> {
        let assets = distinct(form.asset_types)?;
        Ok(Self { assets })
    }
}

/// `{"sceneIndex": 0…4, "style": …?}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PictureForm {
    scene_index: u32,
    style: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Picture {
    pub(crate) asset: AssetType,
    pub(crate) options: AssetOptions,
}

impl Checked for Picture {
    type Form = PictureForm;

    /// 0 is the cover, 1 to 4 are the scenes (C-18).
    fn check(form: PictureForm) -> Result<Self, InvalidField> {
        let asset = AssetType::from_picture_index(form.scene_index as usize)
            .ok_or_else(|| InvalidField::new("sceneIndex", "must be between 0 (cover) and 4"))?;
        let options = AssetOptions::check(OptionsForm {
            style: form.style,
            ..OptionsForm::default()
        })?;
        Ok(Self { asset, options })
    }
}
