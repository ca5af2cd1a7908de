// The API's shapes, by the names this package uses. `openapi.d.ts` is made from openapi.json by `npm run types`.
import type { components, operations } from './openapi.js';

type Schemas = components['schemas'];

export type AssetStatus = Schemas['AssetStatus'];
/** An asset as a story names it. */
export type AssetType = Exclude<Schemas['AssetType'], 'text'>;
export type Assets = { [asset in AssetType]?: AssetStatus };
export type Character = Schemas['Character'];
export type CharacterChange = Schemas['CharacterChange'];
export type CharacterList = Schemas['CharacterList'];
export type Estimates = Schemas['Estimates'];
export type History = Schemas['History'];
export type NewCharacter = Schemas['NewCharacter'];
export type NewStory = Schemas['NewStory'];
export type Options = Schemas['Options'];
export type Outcome = Schemas['Outcome'];
export type Overall = Schemas['Overall'];
export type Plans = Schemas['Plans'];
export type Retry = Schemas['Retry'];
export type Share = Schemas['Share'];
export type SharedStory = Schemas['SharedStory'];
export type Story = Schemas['Story'];
export type StoryAccepted = Schemas['StoryAccepted'];
export type StoryList = Schemas['StoryList'];
export type ListedStory = NonNullable<StoryList['stories']>[number];
/** Which stories, and what of each. */
export type StoriesAsked = NonNullable<operations['listStories']['parameters']['query']>;
export type Trait = Schemas['TraitList']['traits'][number];
export type Usage = Schemas['Usage'];
export type Upload = Schemas['Upload'];
export type User = Schemas['User'];
export type UserChange = Schemas['UserChange'];
export type Version = Schemas['Version'];
export type Voice = Schemas['Voice'];
export type ErrorCode = Schemas['Failure']['code'];

/** One asset of a story, as it is now. */
export type AssetUpdate = AssetStatus & { assetType: AssetType };
