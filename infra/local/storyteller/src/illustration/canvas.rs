//! Writes SVG: shapes with fills, groups, and gradients that are defined where they are used.

use std::fmt::Write;

use super::color::Color;

/// A point or an offset, in canvas units.
pub(super) type Point = (f32, f32);

/// A gradient stop: place from 0 to 1, color, opacity.
pub(super) type Stop = (f32, Color, f32);

/// An SVG picture being written. Units: the picture is 1000 high, whatever its pixels.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    definitions: String,
    body: String,
    last_id: usize,
}

impl Canvas {
    fn next_id(&mut self) -> String {
        self.last_id += 1;
        format!("d{}", self.last_id)
    }

    fn stops(&mut self, stops: &[Stop]) {
        for (place, color, opacity) in stops {
            let _ = write!(
                self.definitions,
                "<stop offset='{place:.3}' stop-color='{}' stop-opacity='{opacity:.3}'/>",
                color.hex()
            );
        }
    }

    /// A gradient from top to bottom of the shape it fills.
    pub(super) fn downward(&mut self, stops: &[Stop]) -> String {
        self.linear((0.0, 0.0), (0.0, 1.0), stops)
    }

    /// A gradient between two places of the shape it fills, each from 0 to 1.
    pub(super) fn linear(&mut self, from: Point, to: Point, stops: &[Stop]) -> String {
        let id = self.next_id();
        let _ = write!(
            self.definitions,
            "<linearGradient id='{id}' x1='{:.3}' y1='{:.3}' x2='{:.3}' y2='{:.3}'>",
            from.0, from.1, to.0, to.1
        );
        self.stops(stops);
        self.definitions.push_str("</linearGradient>");
        format!("url(#{id})")
    }

    /// A gradient around a place of the shape it fills; the radius is a share of its size.
    pub(super) fn radial(&mut self, center: Point, radius: f32, stops: &[Stop]) -> String {
        let id = self.next_id();
        let _ = write!(
            self.definitions,
            "<radialGradient id='{id}' cx='{:.3}' cy='{:.3}' r='{radius:.3}'>",
            center.0, center.1
        );
        self.stops(stops);
        self.definitions.push_str("</radialGradient>");
        format!("url(#{id})")
    }

    /// The paint of a rounded thing lit from the upper left.
    pub(super) fn round_paint(&mut self, color: Color) -> String {
        self.radial(
            (0.36, 0.28),
            0.85,
            &[
                (0.0, color.lighter(0.30), 1.0),
                (0.45, color, 1.0),
                (1.0, color.darker(0.30), 1.0),
            ],
        )
    }

    pub(super) fn path(&mut self, outline: &str, fill: &str) {
        let _ = write!(self.body, "<path d='{outline}' fill='{fill}'/>");
    }

    /// A filled shape with a line around it, the basic shape of every figure.
    pub(super) fn outlined(&mut self, outline: &str, fill: &str, line: Color, width: f32) {
        let _ = write!(
            self.body,
            "<path d='{outline}' fill='{fill}' stroke='{}' stroke-width='{width:.1}' stroke-linejoin='round' stroke-linecap='round'/>",
            line.hex()
        );
    }

    pub(super) fn line(&mut self, outline: &str, color: &str, width: f32) {
        let _ = write!(
            self.body,
            "<path d='{outline}' fill='none' stroke='{color}' stroke-width='{width:.1}' stroke-linejoin='round' stroke-linecap='round'/>"
        );
    }

    pub(super) fn ellipse(&mut self, center: Point, radii: Point, fill: &str) {
        let _ = write!(
            self.body,
            "<ellipse cx='{:.1}' cy='{:.1}' rx='{:.1}' ry='{:.1}' fill='{fill}'/>",
            center.0, center.1, radii.0, radii.1
        );
    }

    pub(super) fn circle(&mut self, center: Point, radius: f32, fill: &str) {
        self.ellipse(center, (radius, radius), fill);
    }

    pub(super) fn outlined_ellipse(
        &mut self,
        center: Point,
        radii: Point,
        fill: &str,
        line: Color,
        width: f32,
    ) {
        let _ = write!(
            self.body,
            "<ellipse cx='{:.1}' cy='{:.1}' rx='{:.1}' ry='{:.1}' fill='{fill}' stroke='{}' stroke-width='{width:.1}'/>",
            center.0,
            center.1,
            radii.0,
            radii.1,
            line.hex()
        );
    }

    pub(super) fn rectangle(&mut self, corner: Point, size: Point, round: f32, fill: &str) {
        let _ = write!(
            self.body,
            "<rect x='{:.1}' y='{:.1}' width='{:.1}' height='{:.1}' rx='{round:.1}' fill='{fill}'/>",
            corner.0, corner.1, size.0, size.1
        );
    }

    /// A round glow that fades to nothing.
    pub(super) fn glow(&mut self, center: Point, radius: f32, color: Color, strength: f32) {
        let fill = self.radial(
            (0.5, 0.5),
            0.5,
            &[
                (0.0, color, strength),
                (0.35, color, strength * 0.55),
                (0.7, color, strength * 0.15),
                (1.0, color, 0.0),
            ],
        );
        self.circle(center, radius, &fill);
    }

    /// Draws inside a group with SVG attributes such as `transform` or `opacity`.
    pub(super) fn group(&mut self, attributes: &str, draw: impl FnOnce(&mut Canvas)) {
        let _ = write!(self.body, "<g {attributes}>");
        draw(self);
        self.body.push_str("</g>");
    }

    /// Draws inside a group that shows only what lies within an outline.
    pub(super) fn clipped(&mut self, outline: &str, draw: impl FnOnce(&mut Canvas)) {
        let id = self.next_id();
        let _ = write!(
            self.definitions,
            "<clipPath id='{id}'><path d='{outline}'/></clipPath>"
        );
        self.group(&format!("clip-path='url(#{id})'"), draw);
    }

    /// The finished document.
    pub(super) fn finish(self, width_units: f32, width: u32, height: u32) -> String {
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 0 {width_units:.2} 1000' preserveAspectRatio='none'><defs>{}</defs>{}</svg>",
            self.definitions, self.body
        )
    }
}

/// An ellipse as a path, for clipping.
pub(super) fn ellipse_outline(center: Point, radii: Point) -> String {
    let (x, y) = center;
    let (rx, ry) = radii;
    format!(
        "M{:.1},{y:.1} a{rx:.1},{ry:.1} 0 1,0 {:.1},0 a{rx:.1},{ry:.1} 0 1,0 {:.1},0 Z",
        x - rx,
        2.0 * rx,
        -2.0 * rx
    )
}

/// A smooth line through points (Catmull-Rom as cubic curves), without the first move.
pub(super) fn smooth(points: &[Point]) -> String {
    let mut outline = String::new();
    for at in 0..points.len().saturating_sub(1) {
        let before = points[at.saturating_sub(1)];
        let (from, to) = (points[at], points[at + 1]);
        let after = points[(at + 2).min(points.len() - 1)];
        let _ = write!(
            outline,
            " C{:.1},{:.1} {:.1},{:.1} {:.1},{:.1}",
            from.0 + (to.0 - before.0) / 6.0,
            from.1 + (to.1 - before.1) / 6.0,
            to.0 - (after.0 - from.0) / 6.0,
            to.1 - (after.1 - from.1) / 6.0,
            to.0,
            to.1
        );
    }
    outline
}

/// A five-pointed star with soft points.
pub(super) fn star_outline(center: Point, radius: f32) -> String {
    let corner = |index: usize| {
        let angle = index as f32 * std::f32::consts::PI / 5.0 - std::f32::consts::FRAC_PI_2;
        let reach = if index.is_multiple_of(2) {
            radius
        } else {
            radius * 0.5
        };
        (
            center.0 + reach * angle.cos(),
            center.1 + reach * angle.sin(),
        )
    };
    let mut outline = String::new();
    for index in 0..10 {
        let (x, y) = corner(index);
        let _ = write!(
            outline,
            "{}{x:.1},{y:.1} ",
            if index == 0 { 'M' } else { 'L' }
        );
    }
    outline.push('Z');
    outline
}
