// The pages around the book share one script, so that going from one to the other loads nothing.
import './begun.js';
import { make } from './make.js';
import { shelf } from './shelf.js';
import { storyPage } from './story.js';

const pages: Record<string, () => Promise<void>> = { shelf, make, story: storyPage };
await pages[begun.page]!();
