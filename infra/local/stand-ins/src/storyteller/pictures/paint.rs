//! Fills the drawings' placeholders: a color worked out from named ones, a gradient, another part.

use std::collections::HashMap;
use std::fmt::Write;

use super::color::Color;
use super::shelf;

/// An SVG picture being written; it is 1000 high and wide, whatever its pixels.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    definitions: String,
    body: String,
    /// Gradients that exist, by what defines them.
    gradients: HashMap<String, usize>,
    last_id: usize,
}

/// The colors that drawings name, and the air that tints natural ones.
#[derive(Debug, Clone)]
pub(super) struct Paints {
    pub(super) named: HashMap<&'static str, Color>,
    /// The palette from dark to light.
    pub(super) tones: [Color; 3],
    pub(super) light: &'static str,
    /// Where eyes look, as an offset.
    pub(super) gaze: (f32, f32),
}

impl Drawing {
    /// Writes SVG as it is.
    pub(super) fn raw(&mut self, svg: &str) {
        self.body.push_str(svg);
    }

    /// Draws inside a group with this transform.
    pub(super) fn group(&mut self, transform: &str, draw: impl FnOnce(&mut Drawing)) {
        let _ = write!(self.body, "<g transform='{transform}'>");
        draw(self);
        self.body.push_str("</g>");
    }

    /// Draws a part of that name in these colors; nothing when there is none.
    pub(super) fn part(&mut self, name: &str, paints: &Paints) {
        if let Some(svg) = shelf::part(name) {
            self.fill(svg, paints);
        }
    }

    /// Draws a part of that name with this transform.
    pub(super) fn part_at(&mut self, transform: &str, name: &str, paints: &Paints) {
        self.group(transform, |drawing| drawing.part(name, paints));
    }

    /// Draws inside a group that lets this share of it be seen.
    pub(super) fn pale(&mut self, opacity: f32, draw: impl FnOnce(&mut Drawing)) {
        let _ = write!(self.body, "<g opacity='{opacity}'>");
        draw(self);
        self.body.push_str("</g>");
    }

    /// Writes SVG with placeholders: `{skin d30}` and the like, `@` before ids of its own, and
    /// `<use href="#part" leaf="…"/>` for another part in colors given here.
    pub(super) fn fill(&mut self, svg: &str, paints: &Paints) {
        self.last_id += 1;
        let own = format!("p{}-", self.last_id);
        let svg = svg.replace('@', &own);
        let mut rest = svg.as_str();
        while let Some(at) = rest.find(['{', '<']) {
            self.body.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some((inside, after)) = rest.strip_prefix('{').and_then(|r| r.split_once('}')) {
                let filled = self.placeholder(inside, paints);
                self.body.push_str(&filled);
                rest = after;
            } else if let Some((inside, after)) =
                rest.strip_prefix("<use ").and_then(|r| r.split_once("/>"))
            {
                self.include(inside, paints);
                rest = after;
            } else {
                self.body.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
        self.body.push_str(rest);
    }

    fn include(&mut self, attributes: &str, paints: &Paints) {
        let (mut part, mut group, mut inner) = ("", String::new(), paints.clone());
        for attribute in attributes.split("\" ") {
            let Some((name, value)) = attribute.split_once("=\"") else {
                continue;
            };
            let value = value.trim_end_matches('"');
            match name {
                "href" => part = value.trim_start_matches('#'),
                "transform" | "opacity" => {
                    let _ = write!(group, " {name}='{value}'");
                }
                // The names of these colors stand in the part, which lives as long as the program.
                _ => {
                    if let Some(name) = COLOR_NAMES.iter().find(|known| **known == name) {
                        inner.named.insert(name, paints.color(value));
                    }
                }
            }
        }
        let _ = write!(self.body, "<g{group}>");
        self.part(part, &inner);
        self.body.push_str("</g>");
    }

    fn placeholder(&mut self, inside: &str, paints: &Paints) -> String {
        if inside == "gaze" {
            return format!("{:.1} {:.1}", paints.gaze.0 * 2.9, paints.gaze.1 * 3.1);
        }
        if let Some(color) = inside.strip_prefix("round ") {
            return self.round(paints.color(color));
        }
        if let Some((color, strength)) = inside
            .strip_prefix("glow ")
            .and_then(|g| g.rsplit_once(' '))
        {
            let strength = strength.parse::<f32>().unwrap_or(50.0) / 100.0;
            return self.glow(paints.color(color), strength);
        }
        paints.color(inside).hex()
    }

    /// The paint of a rounded thing lit from the upper left.
    fn round(&mut self, color: Color) -> String {
        let stops = [
            (0.0, color.lighter(0.30), 1.0),
            (0.45, color, 1.0),
            (1.0, color.darker(0.30), 1.0),
        ];
        self.radial("cx='.36' cy='.28' r='.85'", &stops)
    }

    /// Light that fades to nothing.
    pub(super) fn glow(&mut self, color: Color, strength: f32) -> String {
        let stops = [(0.0, 1.0), (0.35, 0.55), (0.7, 0.15), (1.0, 0.0)];
        let stops = stops.map(|(place, share)| (place, color, strength * share));
        self.radial("r='.5'", &stops)
    }

    fn radial(&mut self, shape: &str, stops: &[(f32, Color, f32)]) -> String {
        let mut inside = String::new();
        for (place, color, opacity) in stops {
            let hex = color.hex();
            let _ = write!(
                inside,
                "<stop offset='{place}' stop-color='{hex}' stop-opacity='{opacity:.3}'/>"
            );
        }
        let key = format!("{shape}>{inside}");
        let next = self.gradients.len();
        let id = *self.gradients.entry(key).or_insert(next);
        if id == next {
            let _ = write!(
                self.definitions,
                "<radialGradient id='g{id}' {shape}>{inside}</radialGradient>"
            );
        }
        format!("url(#g{id})")
    }

    /// All that is drawn so far, seen through the filter `look` of that part.
    pub(super) fn filtered(&mut self, name: &str, paints: &Paints) {
        let drawn = std::mem::take(&mut self.body);
        self.part(name, paints);
        let _ = write!(self.body, "<g filter='url(#look)'>{drawn}</g>");
    }

    /// The finished document; what does not fit another shape than a square is cut off.
    pub(super) fn finish(self, width: u32, height: u32) -> String {
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 0 1000 1000' preserveAspectRatio='xMidYMid slice' stroke-linejoin='round' stroke-linecap='round'><defs>{}</defs>{}</svg>",
            self.definitions, self.body
        )
    }
}

/// Stands for a color that nobody named: so loud that it is seen.
pub(super) const UNKNOWN: &str = "#ff00ff";

/// The colors that a part can be given where another part uses it.
const COLOR_NAMES: [&str; 12] = [
    "bark", "cap", "cloud", "gem", "leaf", "motif", "pane", "petal", "roof", "stalk", "sun", "wall",
];

impl Paints {
    /// A color from a name or a hex code and what is done with it, in hundredths: `l30` lighter, `d30`
    /// darker, `v120` more vivid, `L50` at that lightness, `t20` tinted by the air, `n` the
    /// palette's tone of the nearest hue, `m40:haze` mixed with 40 of another; `L50/30` has another number for the night.
    pub(super) fn color(&self, words: &str) -> Color {
        let mut words = words.split(' ');
        let mut color = self.named(words.next().unwrap_or_default());
        for step in words {
            let (verb, number) = step.split_at(1);
            let (number, other) = number.split_once(':').unwrap_or((number, ""));
            let number = match number.split_once('/') {
                Some((_, night)) if self.is_dark() => night,
                Some((day, _)) => day,
                None => number,
            };
            let share = number.parse::<f32>().unwrap_or_default() / 100.0;
            color = match verb {
                "l" => color.lighter(share),
                "d" => color.darker(share),
                "v" => color.vivid(share),
                "L" => color.with_lightness(share),
                "t" => self.tint(color, share),
                "n" => color.nearest(self.tones),
                _ => color.mix(self.named(other), share),
            };
        }
        color
    }

    fn named(&self, name: &str) -> Color {
        let named = self.named.get(name).copied();
        named
            .or_else(|| Color::from_hex(name))
            .or_else(|| Color::from_hex(UNKNOWN))
            .unwrap_or(Color::rgb(0))
    }

    pub(super) fn is_dark(&self) -> bool {
        self.light == "night"
    }

    /// How a natural color looks in this air and this palette.
    fn tint(&self, natural: Color, palette_share: f32) -> Color {
        let [dark, _, bright] = self.tones;
        // The tone of the nearest hue keeps leaves green and sand yellow, in the palette's way.
        let mixed = natural.mix(natural.nearest(self.tones), palette_share);
        match self.light {
            "night" => mixed
                .mix(dark.mix(Color::rgb(0x20_30_90), 0.5), 0.34)
                .with_lightness(natural.lightness() * 0.58 + 0.06)
                .vivid(1.2),
            "dusk" => mixed
                .mix(bright, 0.10)
                .with_lightness(natural.lightness() * 0.88)
                .vivid(1.1),
            "dawn" => mixed.mix(bright, 0.08).vivid(1.08),
            _ => mixed.vivid(1.06),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paints() -> Paints {
        let named = HashMap::from([("skin", Color::rgb(0x80_A0_60))]);
        let tones = [0x20_30_40, 0x80_50_30, 0xE0_B0_50].map(Color::rgb);
        Paints {
            named,
            tones,
            light: "day",
            gaze: (1.0, 0.0),
        }
    }

    #[test]
    fn colors_are_worked_out_step_by_step() {
        let skin = Color::rgb(0x80_A0_60);
        assert_eq!(
            paints().color("skin d30 l20"),
            skin.darker(0.3).lighter(0.2)
        );
        assert_eq!(
            paints().color("skin m40:#ffffff"),
            skin.mix(Color::rgb(0xFF_FF_FF), 0.4)
        );
        assert_eq!(
            paints().color("#102030 L50/20"),
            Color::rgb(0x10_20_30).with_lightness(0.5)
        );
    }

    #[test]
    fn placeholders_are_filled_and_equal_gradients_stand_once() {
        let mut drawing = Drawing::default();
        let svg = r#"<g id="@1"><path fill="{round skin}"/><path fill="{round skin}" stroke="{skin}cc"/></g>"#;
        drawing.fill(svg, &paints());
        let finished = drawing.finish(10, 10);
        assert_eq!(finished.matches("<radialGradient").count(), 1);
        assert!(
            finished.contains("id=\"p1-1\"") && finished.contains("#80a060cc"),
            "{finished}"
        );
    }
}
