//! What a verb is sent and what its refusals become.

use super::*;

#[test]
fn each_command_has_its_function_and_leaves_out_nothing_it_takes() {
    let (assets, options) = (vec![AssetType::Audio], AssetOptions::default());
    let options_json = json!({"simplifyPrompt": false});
    let cases = [
        (
            AssetCommand::Generate {
                assets: assets.clone(),
                options: options.clone(),
            },
            "generate_assets",
            json!({"p_asset_types": ["audio"], "p_options": options_json}),
        ),
        (
            AssetCommand::Retry {
                assets: None,
                options: options.clone(),
                force: true,
                cascade: true,
            },
            "retry_assets",
            json!({"p_asset_types": null, "p_options": options_json, "p_force": true, "p_cascade": true}),
        ),
        (
            AssetCommand::Regenerate {
                assets,
                options,
                cascade: false,
            },
            "regenerate_assets",
            json!({"p_asset_types": ["audio"], "p_options": options_json, "p_cascade": false}),
        ),
        (
            AssetCommand::Restore {
                asset: AssetType::Audio,
                version: 2,
            },
            "restore_asset",
            json!({"p_asset_type": "audio", "p_version": 2}),
        ),
        (
            AssetCommand::Continue { skip_failed: true },
            "continue_story",
            json!({"p_skip_failed": true}),
        ),
        (
            AssetCommand::Cancel { assets: None },
            "cancel_assets",
            json!({"p_asset_types": null}),
        ),
    ];
    for (command, function, arguments) in cases {
        assert_eq!(command.rpc(), (function, arguments));
    }
}
