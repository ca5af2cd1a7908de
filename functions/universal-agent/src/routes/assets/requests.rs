//! The bodies of the commands: which assets, and with which wishes.

use crate::extract::{Checked, given};
use domain::{AssetType, request::InvalidField, text::parse_line, voice::VoiceId};
use serde::{Deserialize, Serialize};
use store::{AssetCommand, AssetOptions};

/// A body that stands for one command. Its serialized form is what repeated requests are told by.
pub(crate) trait CommandRequest: Checked + Serialize + Into<AssetCommand> {}

impl<Request: Checked + Serialize + Into<AssetCommand>> CommandRequest for Request {}

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
        let voice_id = form.voice_id.map(|voice| voice.parse::<VoiceId>());
        let style = form
            .style
            .map(|style| parse_line("style", &style, STYLE_CHARS_MAX));
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

/// `{"assetTypes": […], "options": {…}?}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GenerateForm {
    asset_types: Vec<AssetType>,
    #[serde(default)]
    options: OptionsForm,
}

/// The body of `POST …/assets/generate`.
#[derive(Serialize)]
pub(crate) struct GenerateRequest {
    assets: Vec<AssetType>,
    options: AssetOptions,
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

impl From<GenerateRequest> for AssetCommand {
    fn from(GenerateRequest { assets, options }: GenerateRequest) -> Self {
        Self::Generate { assets, options }
    }
}

/// `{"assetTypes": […], "options": {…}?, "cascade": …?}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RegenerateForm {
    asset_types: Vec<AssetType>,
    #[serde(default)]
    options: OptionsForm,
    #[serde(default = "yes")]
    cascade: bool,
}

/// The body of `POST …/assets/regenerate`.
#[derive(Serialize)]
pub(crate) struct RegenerateRequest {
    assets: Vec<AssetType>,
    options: AssetOptions,
    cascade: bool,
}

impl Checked for RegenerateRequest {
    type Form = RegenerateForm;

    fn check(form: RegenerateForm) -> Result<Self, InvalidField> {
        Ok(Self {
            assets: distinct(form.asset_types)?,
            options: AssetOptions::check(form.options)?,
            cascade: form.cascade,
        })
    }
}

impl From<RegenerateRequest> for AssetCommand {
    fn from(request: RegenerateRequest) -> Self {
        Self::Regenerate {
            assets: request.assets,
            options: request.options,
            cascade: request.cascade,
        }
    }
}

/// `{"assetTypes": […]?, "options": {…}?, "force": …?, "cascade": …?}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RetryForm {
    #[serde(default, deserialize_with = "given")]
    asset_types: Option<Vec<AssetType>>,
    #[serde(default)]
    options: OptionsForm,
    #[serde(default)]
    force: bool,
    #[serde(default = "yes")]
    cascade: bool,
}

/// The body of `POST …/assets/retry`.
#[derive(Serialize)]
pub(crate) struct RetryRequest {
    assets: Option<Vec<AssetType>>,
    options: AssetOptions,
    force: bool,
    cascade: bool,
}

impl Checked for RetryRequest {
    type Form = RetryForm;

    fn check(form: RetryForm) -> Result<Self, InvalidField> {
        Ok(Self {
            assets: form.asset_types.map(distinct).transpose()?,
            options: AssetOptions::check(form.options)?,
            force: form.force,
            cascade: form.cascade,
        })
    }
}

impl From<RetryRequest> for AssetCommand {
    fn from(request: RetryRequest) -> Self {
        Self::Retry {
            assets: request.assets,
            options: request.options,
            force: request.force,
            cascade: request.cascade,
        }
    }
}

/// The body of `POST …/assets/restore`: `{"assetType": …, "version": …}`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RestoreRequest {
    asset_type: AssetType,
    version: u32,
}

impl Checked for RestoreRequest {
    type Form = Self;

    fn check(form: Self) -> Result<Self, InvalidField> {
        if i32::try_from(form.version).is_err() || form.version == 0 {
            return Err(InvalidField::new("version", "must be a version's number"));
        }
        Ok(form)
    }
}

impl From<RestoreRequest> for AssetCommand {
    fn from(
        RestoreRequest {
            asset_type,
            version,
        }: RestoreRequest,
    ) -> Self {
        Self::Restore {
            asset: asset_type,
            version,
        }
    }
}

/// `{"assetTypes": […]?}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CancelForm {
    #[serde(default, deserialize_with = "given")]
    asset_types: Option<Vec<AssetType>>,
}

/// The body of `POST …/assets/cancel`.
#[derive(Serialize)]
pub(crate) struct CancelRequest {
    assets: Option<Vec<AssetType>>,
}

impl Checked for CancelRequest {
    type Form = CancelForm;

    fn check(form: CancelForm) -> Result<Self, InvalidField> {
        let assets = form.asset_types.map(distinct).transpose()?;
        Ok(Self { assets })
    }
}

impl From<CancelRequest> for AssetCommand {
    fn from(CancelRequest { assets }: CancelRequest) -> Self {
        Self::Cancel { assets }
    }
}

/// The body of `POST …/assets/continue`: `{"skipFailed": …?}`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ContinueRequest {
    #[serde(default = "yes")]
    skip_failed: bool,
}

fn yes() -> bool {
    true
}

impl Checked for ContinueRequest {
    type Form = Self;

    fn check(form: Self) -> Result<Self, InvalidField> {
        Ok(form)
    }
}

impl From<ContinueRequest> for AssetCommand {
    fn from(ContinueRequest { skip_failed }: ContinueRequest) -> Self {
        Self::Continue { skip_failed }
    }
}

/// `{"sceneIndex": 0…4, "style": …?}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PictureForm {
    scene_index: u32,
    style: Option<String>,
}

/// The body of `POST …/art/regenerate`: one picture.
#[derive(Serialize)]
pub(crate) struct PictureRequest {
    asset: AssetType,
    options: AssetOptions,
}

impl Checked for PictureRequest {
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

impl From<PictureRequest> for AssetCommand {
    fn from(PictureRequest { asset, options }: PictureRequest) -> Self {
        Self::Regenerate {
            assets: vec![asset],
            options,
            cascade: true,
        }
    }
}

/// `{"assetTypes": […]}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EstimateForm {
    asset_types: Vec<AssetType>,
}

/// The body of `POST …/assets/estimate`.
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
