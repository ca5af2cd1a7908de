// What pages ask of a story. The times of its words and their marks are three quarters of it: while a story is made they are not
// shown, and a book's cover need not wait for them.
export const FIELDS = ['id', 'title', 'content', 'asset_generation_status', 'hue_extracted_colors', 'version'] as const;
/** What a shelf shows of each story. */
export const SHELVED = ['id', 'title', 'overall', 'progress', 'placeholders', 'cover'] as const;
export const SPOKEN = ['audio_words', 'audio_blocks'] as const;
