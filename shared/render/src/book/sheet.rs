//! One page being drawn: text, pictures and shapes, each marked with what it means to those who
//! have the book read to them, or as mere decoration.

use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, FillRule, LineCap, LineJoin, LinearGradient, Paint, SpreadMethod};
use krilla::paint::{Stop, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, BBox, ContentTag, Node, Tag, TagGroup, TagKind};

use super::PAGE_SIDE_PT;
use super::lines::Line;
use crate::colors::HexColor;

/// Height of the letters' upper edge above the baseline, in units of the font size.
const ASCENT_EM: f32 = 0.8;

/// A page and what has been drawn on it so far. Lengths are points from the upper left corner.
pub(crate) struct Sheet<'a> {
    pub(crate) surface: Surface<'a>,
    /// Number of the page in the file, from 0.
    pub(crate) page_index: usize,
    /// What the page says, in reading order.
    pub(crate) nodes: Vec<Node>,
}

/// Where lines stand within their width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Center,
}

/// How and where lines are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) width: f32,
    pub(crate) size: f32,
    /// Distance of baselines, in units of the font size.
    pub(crate) leading_em: f32,
    pub(crate) align: Align,
    pub(crate) color: HexColor,
}

impl Setting {
    /// Height of so many lines.
    pub(crate) fn height(&self, n_lines: usize) -> f32 {
        n_lines as f32 * self.size * self.leading_em
    }
}

impl Sheet<'_> {
    /// Draws something with a meaning of its own.
    pub(crate) fn tagged(&mut self, tag: impl Into<TagKind>, draw: impl FnOnce(&mut Self)) {
        let node = self.element(tag, draw);
        self.nodes.push(node.into());
    }

    /// Like [`Sheet::tagged`], but leaves it to the caller where the element belongs.
    pub(crate) fn element(
        &mut self,
        tag: impl Into<TagKind>,
        draw: impl FnOnce(&mut Self),
    ) -> TagGroup {
        let id = self.surface.start_tagged(ContentTag::Other);
        draw(self);
        self.surface.end_tagged();
        TagGroup::with_children(tag, vec![id.into()])
    }

    /// Draws something that is there for the eye only.
    pub(crate) fn decoration(&mut self, draw: impl FnOnce(&mut Self)) {
        let artifact = Artifact::with_kind(ArtifactType::Layout);
        self.surface.start_tagged(ContentTag::Artifact(artifact));
        draw(self);
        self.surface.end_tagged();
    }

    /// Draws lines one below the other, returns where the next one would begin.
    pub(crate) fn lines(&mut self, lines: &[Line], setting: Setting) -> f32 {
        self.fill_with(setting.color, 1.0);
        let leading = setting.size * setting.leading_em;
        for (index, line) in lines.iter().enumerate() {
            let free = setting.width - line.width_em * setting.size;
            let left = match setting.align {
                Align::Left => setting.left,
                Align::Center => setting.left + free / 2.0,
            };
            let baseline = setting.top + index as f32 * leading + setting.size * ASCENT_EM;
            let font = line.typeface.typeface().font.clone();
            let start = Point::from_xy(left, baseline);
            self.surface
                .draw_glyphs(start, &line.glyphs, font, &line.text, setting.size, false);
        }
        setting.top + setting.height(lines.len())
    }

    /// Draws a picture so that it fills a rectangle, cut where it is longer, `description` read for it.
    pub(crate) fn picture(&mut self, image: &Image, area: Rect, description: &str) {
        let page = PAGE_SIDE_PT;
        let (left, top) = (area.left().max(0.0), area.top().max(0.0));
        let shown = Rect::from_ltrb(left, top, area.right().min(page), area.bottom().min(page));
        let bbox = shown.map(|shown| BBox::new(self.page_index, shown));
        let tag = Tag::Figure(Some(description.to_owned())).with_bbox(bbox);
        self.tagged(tag, |sheet| sheet.image(image, area, &rectangle(area)));
    }

    /// Draws the part of an image that fills `area` and lies within `window`.
    pub(crate) fn image(&mut self, image: &Image, area: Rect, window: &Path) {
        let (width, height) = image.size();
        let (width, height) = (width.max(1) as f32, height.max(1) as f32);
        let scale = (area.width() / width).max(area.height() / height);
        let (width, height) = (width * scale, height * scale);
        let Some(size) = Size::from_wh(width, height) else {
            return;
        };
        let left = area.left() + (area.width() - width) / 2.0;
        let top = area.top() + (area.height() - height) / 2.0;
        self.surface.push_clip_path(window, &FillRule::NonZero);
        self.surface
            .push_transform(&Transform::from_translate(left, top));
        self.surface.draw_image(image.clone(), size);
        self.surface.pop();
        self.surface.pop();
    }

    /// Fills a path with a colour of the given opacity, 0 to 1.
    pub(crate) fn shape(&mut self, path: &Path, color: HexColor, opacity: f32) {
        self.fill_with(color, opacity);
        self.surface.draw_path(path);
    }

    /// Draws the outline of a path, its corners round; with `dots`, as a row of dots so far apart.
    pub(crate) fn outline(&mut self, path: &Path, color: HexColor, width: f32, dots: Option<f32>) {
        self.surface.set_fill(None);
        self.surface.set_stroke(Some(Stroke {
            paint: paint(color).into(),
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            dash: dots.map(|gap| StrokeDash {
                array: vec![0.0, gap],
                offset: 0.0,
            }),
            ..Stroke::default()
        }));
        self.surface.draw_path(path);
        self.surface.set_stroke(None);
    }

    /// Fills a rectangle with colours that pass into one another from its top to its bottom.
    pub(crate) fn gradient(&mut self, area: Rect, colors: &[HexColor]) {
        let last = colors.len().saturating_sub(1).max(1) as f32;
        let stop = |(index, color): (usize, &HexColor)| Stop {
            offset: NormalizedF32::new(index as f32 / last).unwrap_or(NormalizedF32::ONE),
            color: paint(*color).into(),
            opacity: NormalizedF32::ONE,
        };
        let gradient = LinearGradient {
            x1: area.left(),
            y1: area.top(),
            x2: area.left(),
            y2: area.bottom(),
            transform: Transform::identity(),
            spread_method: SpreadMethod::Pad,
            stops: colors.iter().enumerate().map(stop).collect(),
            anti_alias: false,
        };
        self.fill(gradient.into(), 1.0);
        self.surface.draw_path(&rectangle(area));
    }

    fn fill_with(&mut self, color: HexColor, opacity: f32) {
        self.fill(paint(color).into(), opacity);
    }

    fn fill(&mut self, paint: Paint, opacity: f32) {
        let opacity = NormalizedF32::new(opacity).unwrap_or(NormalizedF32::ONE);
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(Fill {
            paint,
            opacity,
            rule: FillRule::NonZero,
        }));
    }
}

fn paint(color: HexColor) -> rgb::Color {
    let [red, green, blue] = color.channels();
    rgb::Color::new(red, green, blue)
}

/// A rectangle of known, positive size.
pub(crate) fn area(left: f32, top: f32, width: f32, height: f32) -> Rect {
    Rect::from_xywh(left, top, width.max(0.01), height.max(0.01))
        .expect("finite corners in order make a rectangle")
}

/// The outline of a rectangle.
pub(crate) fn rectangle(area: Rect) -> Path {
    let mut builder = PathBuilder::new();
    builder.push_rect(area);
    builder.finish().expect("a rectangle is a path")
}
