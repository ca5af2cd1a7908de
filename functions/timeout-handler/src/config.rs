//! Settings of the timeout handler.

use runtime::{SettingError, Variables, env};
use url::Url;

#[derive(Clone, Debug)]
pub struct Config {
    /// `ASSET_WORKER_FUNCTION`: who takes up what was put back into the queue.
    pub asset_worker: String,
    /// `EMAIL_FROM`: who notices come from; without it none is sent.
    pub email_from: Option<String>,
    /// `EMAIL_CONFIGURATION_SET`: where SES reports what became of mails.
    pub email_configuration_set: Option<String>,
    /// `APP_URL`: where families read; without it mails have no links.
    pub app_url: Option<Url>,
    /// `API_URL`: where whoever gets a mail can have them switched off; without it mails do not say so to programs.
    pub api_url: Option<Url>,
    /// `WEBHOOK_ENDPOINT_URL`: where all webhooks go instead, on one machine.
    pub webhook_detour: Option<Url>,
    /// `SHOPIFY_ENDPOINT_URL`: where all shops are instead, on one machine.
    pub shop_detour: Option<Url>,
}

impl Config {
    pub fn from_variables(variables: &Variables) -> Result<Self, SettingError> {
        let owned = |name| variables.optional(name).map(str::to_owned);
        let email_from = owned(env::EMAIL_FROM);
        if email_from.as_ref().is_some_and(|from| !from.contains('@')) {
            return Err(SettingError::Invalid {
                name: env::EMAIL_FROM,
                problem: "it holds no address".to_owned(),
            });
        }
        Ok(Self {
            asset_worker: variables.required(env::ASSET_WORKER_FUNCTION)?.to_owned(),
            email_from,
            email_configuration_set: owned(env::EMAIL_CONFIGURATION_SET),
            app_url: app_url(variables)?,
            api_url: variables.parsed_optional(env::API_URL)?,
            webhook_detour: variables.detour(env::WEBHOOK_ENDPOINT_URL)?,
            shop_detour: variables.detour(env::SHOPIFY_ENDPOINT_URL)?,
        })
    }
}

/// With a slash at its end, so that a page's name goes behind it.
fn app_url(variables: &Variables) -> Result<Option<Url>, SettingError> {
    let url: Option<Url> = variables.parsed_optional(env::APP_URL)?;
    Ok(url.map(|mut url| {
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        url
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_without_an_address_is_refused_and_none_is_no_error() {
        let with = |from| {
            let variables = Variables::from_pairs([
                (env::ASSET_WORKER_FUNCTION, "worker"),
                (env::EMAIL_FROM, from),
                (env::APP_URL, "https://example.com/app"),
            ]);
            Config::from_variables(&variables)
        };
        assert!(with("Storytailor").is_err());
        assert_eq!(with("").unwrap().email_from, None);
        let config = with("Storytailor <stories@example.com>").unwrap();
        let url = config.app_url.unwrap();
        assert_eq!(url.as_str(), "https://example.com/app/");
    }

    #[test]
    fn webhooks_and_shops_take_another_way_on_this_machine_alone() {
        let with = |name, detour| {
            let variables =
                Variables::from_pairs([(env::ASSET_WORKER_FUNCTION, "worker"), (name, detour)]);
            Config::from_variables(&variables)
        };
        let here = "http://127.0.0.1:7000";
        let hooks = with(env::WEBHOOK_ENDPOINT_URL, here).unwrap();
        assert!(hooks.webhook_detour.is_some() && hooks.shop_detour.is_none());
        let shops = with(env::SHOPIFY_ENDPOINT_URL, here).unwrap();
        assert!(shops.shop_detour.is_some() && shops.webhook_detour.is_none());
        for elsewhere in [
            "http://10.0.0.1/",
            "http://127.0.0.1.example.com/",
            "http://localhost/",
        ] {
            for name in [env::WEBHOOK_ENDPOINT_URL, env::SHOPIFY_ENDPOINT_URL] {
                assert!(with(name, elsewhere).is_err(), "{elsewhere}");
            }
        }
    }
}
