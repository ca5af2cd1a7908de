//! One page being drawn: text, pictures and shapes, each marked with what it means to a reader who
//! listens, or as mere decoration.

use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::graphics_helpers::*;
