//! Puts the pages of a book in order and writes them as one file.

use image::ImageFormat;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::Point;
use krilla::image::Image;
use krilla::metadata::{Metadata, PageLayout};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::tagging::{Node, TagTree};
use krilla::{Document, SerializeSettings};

use super::created::civil;
use super::scenery::Tones;
use super::sheet::Sheet;
use super::typesetter::{Typesetter, is_seen, printable};
use super::{Book, PAGE_SIDE_PT, PdfOptions, Picture, Place, RenderError};
use crate::picture;

/// A book on its way to becoming a file.
pub(crate) struct Binder<'a> {
    pub(crate) book: &'a Book,
    pub(crate) options: &'a PdfOptions,
    pub(crate) cover: Option<Image>,
    /// One for each beat.
    pub(crate) beat_pictures: Vec<Option<Image>>,
    /// Tones of the pages that belong to no beat.
    pub(crate) tones: Tones,
    /// Number of finished pages.
    pub(crate) n_pages: usize,
    document: Document,
    typesetter: Typesetter,
    nodes: Vec<Node>,
    outline: Outline,
}

impl<'a> Binder<'a> {
    pub(crate) fn new(book: &'a Book, options: &'a PdfOptions) -> Result<Self, RenderError> {
        let configuration = ConfigurationBuilder::new()
            .with_accessibility_validator(Accessibility::UA1)
            .finish()
            .expect("PDF/UA-1 alone contradicts nothing");
        let settings = SerializeSettings {
            configuration,
            ..SerializeSettings::default()
        };
        let beat_pictures = book
            .beats
            .iter()
            .enumerate()
            .map(|(index, beat)| {
                embedded(
                    beat.picture.as_ref(),
                    Place::Beat(index),
                    options.recompress,
                )
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            book,
            options,
            cover: embedded(book.cover.as_ref(), Place::Cover, options.recompress)?,
            beat_pictures,
            tones: Tones::of(book.palette),
            n_pages: 0,
            document: Document::new_with(settings),
            typesetter: Typesetter::default(),
            nodes: Vec::new(),
            outline: Outline::new(),
        })
    }

    /// All pages, in order, as a file.
    pub(crate) fn bind(mut self) -> Result<Vec<u8>, RenderError> {
        self.check_names()?;
        self.cover();
        self.name_plate();
        self.title_page();
        for index in 0..self.book.beats.len() {
            self.beat(index);
        }
        self.the_end();
        self.questions();
        // A book has leaves, and so an even number of pages.
        if self.n_pages % 2 == 1 {
            self.back_cover();
        }
        let scripts = self.typesetter.missing_scripts();
        if !scripts.is_empty() {
            return Err(RenderError::MissingLetters { scripts });
        }
        let mut tree = TagTree::new().with_lang(Some(self.options.language.clone()));
        tree.children = std::mem::take(&mut self.nodes);
        self.document.set_metadata(self.metadata());
        self.document.set_outline(self.outline);
        self.document.set_tag_tree(tree);
        self.document.finish().map_err(RenderError::Write)
    }

    /// A name or a title of which nothing can be seen would leave a hole in every sentence.
    fn check_names(&self) -> Result<(), RenderError> {
        let mut names = std::iter::once(&self.book.title).chain(&self.book.hero_names);
        let has_hole = names.any(|name| {
            let name = printable(name.trim());
            let is_letter = |character: char| character.is_alphanumeric();
            !name.trim().is_empty() && !is_seen(&name) && !name.contains(is_letter)
        });
        if has_hole {
            return Err(RenderError::MissingLetters {
                scripts: vec!["Emoji"],
            });
        }
        Ok(())
    }

    /// Draws the next page.
    pub(crate) fn page(&mut self, draw: impl FnOnce(&mut Sheet<'_>, &mut Typesetter)) {
        let settings = PageSettings::from_wh(PAGE_SIDE_PT, PAGE_SIDE_PT)
            .expect("the side of a page is positive");
        let mut page = self.document.start_page_with(settings);
        let surface = page.surface();
        let mut sheet = Sheet {
            surface,
            page_index: self.n_pages,
            nodes: Vec::new(),
        };
        draw(&mut sheet, &mut self.typesetter);
        let nodes = std::mem::take(&mut sheet.nodes);
        drop(sheet);
        page.finish();
        self.nodes.extend(nodes);
        self.n_pages += 1;
    }

    /// Adds a bookmark to the page drawn next.
    pub(crate) fn bookmark(&mut self, text: &str) {
        let top = XyzDestination::new(self.n_pages, Point::from_xy(0.0, 0.0));
        self.outline
            .push_child(OutlineNode::new(text.to_owned(), top));
    }

    /// The title; a book without one is called a book.
    pub(crate) fn title(&self) -> String {
        let title = printable(self.book.title.trim());
        if title.trim().is_empty() {
            "Book".to_owned()
        } else {
            title
        }
    }

    fn metadata(&self) -> Metadata {
        let options = self.options;
        let mut metadata = Metadata::new()
            .title(self.title())
            .authors(vec![printable(&options.author)])
            .language(options.language.clone())
            .page_layout(PageLayout::TwoPageRight);
        if let Some(subtitle) = &self.book.subtitle {
            metadata = metadata.description(printable(subtitle));
        }
        if let Some(id) = &options.document_id {
            metadata = metadata.document_id(id.clone());
        }
        if let Some(created_at_unix_s) = options.created_at_unix_s {
            metadata = metadata.creation_date(civil(created_at_unix_s));
        }
        metadata
    }
}

/// A picture as the PDF writer takes it; JPEG bytes are neither decoded nor changed.
fn embedded(
    picture: Option<&Picture>,
    place: Place,
    recompress: bool,
) -> Result<Option<Image>, RenderError> {
    let Some(Picture { bytes, .. }) = picture else {
        return Ok(None);
    };
    let unusable = |source| RenderError::Picture { place, source };
    let image = match picture::format(bytes).map_err(unusable)? {
        ImageFormat::Jpeg => Image::from_jpeg(bytes.clone().into(), true),
        _ if recompress => {
            let decoded = picture::decode(bytes).map_err(unusable)?;
            let jpeg = picture::jpeg(&decoded).map_err(unusable)?;
            Image::from_jpeg(jpeg.into(), true)
        }
        ImageFormat::WebP => Image::from_webp(bytes.clone().into(), true),
        _ => Image::from_png(bytes.clone().into(), true),
    };
    image
        .map(Some)
        .map_err(|reason| RenderError::Placing { place, reason })
}
