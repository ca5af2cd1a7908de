// What a tool takes, as openapi.json says it of the operation: one description for the API and for assistants.
import openapi from '../../../functions/universal-agent/openapi.json';

type Schema = Record<string, unknown>;

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}

interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  parameters?: unknown[];
  requestBody?: { content: { 'application/json': { schema: unknown } } };
}

/** References are replaced by what they name: not every assistant follows them. None of those in requests is recursive. */
function resolved(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(resolved);
  if (part === null || typeof part !== 'object') return part;
  const { $ref: reference, ...rest } = part as Schema;
  const own = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, resolved(value)]));
  if (typeof reference !== 'string') return own;
  const named = reference.split('/').slice(1).reduce<unknown>((at, name) => (at as Schema)[name], openapi);
  return { ...(resolved(named) as Schema), ...own };
}

function find(operationId: string): { operation: Operation; shared: unknown[] } {
  for (const path of Object.values(openapi.paths) as Record<string, unknown>[]) {
    const operations = Object.values(path).filter((part): part is Operation => !Array.isArray(part));
    const operation = operations.find((candidate) => candidate.operationId === operationId);
    if (operation) return { operation, shared: (path.parameters as unknown[] | undefined) ?? [] };
  }
  throw new Error(`openapi.json has no ${operationId}`);
}

/** What openapi.json says an operation is for. */
export function summaryOf(operationId: string): string {
  const { summary, description } = find(operationId).operation;
  return [summary, description].filter(Boolean).join('. ');
}

/** The arguments of an operation, those of path, query and body side by side; `own` are the tool's, in place of the query. Headers are ours. */
export function inputOf(operationId: string, own?: Record<string, Schema>) {
  const { operation, shared } = find(operationId);
  const taken = own ? ['path'] : ['path', 'query'];
  const parameters = ([...shared, ...(operation.parameters ?? [])].map(resolved) as Parameter[]).filter((parameter) => taken.includes(parameter.in));
  const body = (resolved(operation.requestBody?.content['application/json'].schema) ?? {}) as { properties?: Schema; required?: string[] };
  const described = ({ name, description, schema }: Parameter) => [name, { ...(description && { description }), ...schema }];
  return {
    type: 'object' as const,
    properties: { ...Object.fromEntries(parameters.map(described)), ...body.properties, ...own },
    required: [...parameters.filter(({ required }) => required).map(({ name }) => name), ...(body.required ?? [])],
    additionalProperties: false,
  };
}

/** Members of a story that `GET /stories/{id}` answers. */
export type StoryMember = keyof typeof openapi.components.schemas.StoryPart.properties;
export const storyMembers = Object.keys(openapi.components.schemas.StoryPart.properties) as StoryMember[];
