// The description of the interface (/api/v1/openapi.json) as the page about it shows it.
import { get } from './api';
import type { Key } from './words.svelte';

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: string[];
  format?: string;
  items?: Schema;
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
}
interface Content {
  schema?: Schema;
  example?: unknown;
}
export interface Parameter {
  name: string;
  in: string;
  required: boolean;
  description?: string;
  schema: Schema;
}
interface RawOperation {
  operationId: string;
  summary: string;
  'x-right': string;
  'x-example'?: { target: string; status: number; body?: string };
  parameters: Parameter[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, { description: string; content?: Record<string, Content> }>;
}
export interface Document {
  info: { version: string };
  paths: Record<string, Record<string, RawOperation>>;
  components: { schemas: Record<string, Schema> };
}

export interface Shape {
  name: string;
  members: { name: string; type: string; required: boolean }[];
}
export interface Operation {
  id: string;
  method: string;
  path: string;
  summary: string;
  right: string;
  parameters: Parameter[];
  /** Kinds of the body and of the answer, with the shapes they are made of. */
  takes: string;
  takesShapes: Shape[];
  gives: string;
  givesShapes: Shape[];
  refusals: { status: string; words: string }[];
  target: string;
  status: number;
  body: string | null;
  answer: string | null;
}
export interface Section {
  words: Key;
  operations: Operation[];
}

export const readDocument = (): Promise<Document> => get<Document>('/openapi.json');

// A path belongs to the first section that knows it.
const SECTIONS: [Key, RegExp][] = [
  ['openapi.values', /\/(samples|moments|series|join|summary|counts|stream|annotations|scans)|^\/write/],
  ['openapi.catalogue', /\/(tags|devices|drivers|check|doctor|browse|assets|refine|rerefine)/],
  ['openapi.watch', /\/(flow|quality|plants\/\{plant\}\/health|retention)/],
  ['openapi.tables', /\/(import|export|corrections)/],
  ['openapi.papers', /\/(papers|indicators)/],
  ['openapi.outbox', /\/(consents|receipts|disclosures)/],
  ['openapi.people', /\/(session|setup|invitation|reset|me|organisations|users|access|invitations|tokens|audit)/],
  ['openapi.server', /./],
];

function typeOf(schema: Schema | undefined): string {
  if (!schema) {
    return '';
  }
  if (schema.$ref) {
    return schema.$ref.split('/').at(-1) ?? '';
  }
  if (schema.oneOf) {
    return `${typeOf(schema.oneOf[0])} | null`;
  }
  if (schema.items) {
    return `${typeOf(schema.items)}[]`;
  }
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? '');
  return schema.enum ? schema.enum.join(' | ') : schema.format === 'date-time' ? 'time' : type;
}

function namesIn(schema: Schema): string[] {
  const inner = [schema.items, ...(schema.oneOf ?? []), ...Object.values(schema.properties ?? {})];
  return [schema.$ref?.split('/').at(-1) ?? '', ...inner.flatMap((one) => (one ? namesIn(one) : []))].filter((name) => name !== '');
}

/** A shape and those that it is made of, each once. */
function shapesOf(schemas: Record<string, Schema>, schema: Schema | undefined): Shape[] {
  const names = schema ? namesIn(schema) : [];
  const out: Shape[] = [];
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    const found = schemas[name];
    if (found && !out.some((one) => one.name === name)) {
      names.push(...namesIn(found));
      out.push({ name, members: Object.entries(found.properties ?? {}).map(([member, type]) => ({ name: member, type: typeOf(type), required: found.required?.includes(member) ?? false })) });
    }
  }
  return out;
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 2);

function operationOf(document: Document, path: string, method: string, raw: RawOperation): Operation {
  const { schemas } = document.components;
  const asked = raw['x-example'];
  const [kind = '', body] = Object.entries(raw.requestBody?.content ?? {})[0] ?? [];
  const good = Object.entries(raw.responses).filter(([status]) => status.startsWith('2'));
  const answers = good.flatMap(([, answer]) => Object.entries(answer.content ?? {}));
  const [, shown] = answers.find(([, content]) => content.example !== undefined) ?? answers[0] ?? [];
  const example = body?.example;
  return {
    id: raw.operationId,
    method: method.toUpperCase(),
    path,
    summary: raw.summary,
    right: raw['x-right'],
    parameters: raw.parameters,
    takes: kind,
    takesShapes: shapesOf(schemas, body?.schema),
    gives: [...new Set(answers.map(([type]) => type))].join(', '),
    givesShapes: shapesOf(schemas, shown?.schema),
    refusals: Object.entries(raw.responses).filter(([status]) => !status.startsWith('2')).map(([status, answer]) => ({ status, words: answer.description })),
    target: asked?.target ?? '',
    status: asked?.status ?? 0,
    body: asked?.body ?? (example === undefined ? null : pretty(example)),
    answer: shown?.example === undefined || shown.example === null ? null : pretty(shown.example),
  };
}

export function sectionsOf(document: Document): Section[] {
  const all = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, raw]) => operationOf(document, path, method, raw)));
  const of = (operation: Operation): Key => SECTIONS.find(([, pattern]) => pattern.test(operation.path))![0];
  return SECTIONS.map(([words]) => ({ words, operations: all.filter((one) => of(one) === words) })).filter((section) => section.operations.length > 0);
}

/** As typed into a terminal of the computer that runs Maru or of another one. */
export function curlOf(operation: Operation, origin: string): string {
  const lines = ['curl'];
  if (origin.startsWith('https:')) {
    lines.push('--cacert maru-ca.crt');
  }
  if (operation.method !== 'GET') {
    lines.push(`-X ${operation.method}`);
  }
  if (operation.right !== 'public') {
    lines.push("-H 'Authorization: Bearer TOKEN'");
  }
  if (operation.body !== null) {
    if (operation.takes === 'application/json') {
      lines.push("-H 'Content-Type: application/json'");
    }
    const text = operation.takes === 'application/json' ? JSON.stringify(JSON.parse(operation.body)) : operation.body;
    lines.push(`--data-binary '${text.replaceAll("'", "'\\''")}'`);
  }
  return [...lines, `'${origin}${operation.target}'`].join(' \\\n  ');
}
