// Builds the client, the tools for assistants and the page: `node build.mjs`. With API_URL, SUPABASE_URL and SUPABASE_ANON_KEY set, the page knows its
// addresses and can be copied to the bucket; without them whoever serves it puts them in.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

const here = fileURLToPath(new URL('.', import.meta.url));
const app = join(here, 'app');
// A page's first load is one script: the book's own, or the one that all other pages share. Styles beside it.
const ENTRIES = { app: ['app.ts', 'app.css', 'book.css', 'fonts.css'], read: ['read.ts'] };
/** Names that change with what is in a file. */
const nameOf = (stem, bytes, kind) => `${stem}-${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}.${kind}`;

await build({
  entryPoints: [join(here, 'client/src/index.ts')], outfile: join(here, 'client/dist/index.js'),
  bundle: true, format: 'esm', target: 'es2022', logLevel: 'warning',
});

await build({
  entryPoints: [join(here, 'mcp/src/server.ts')], outfile: join(here, 'mcp/dist/server.js'),
  bundle: true, platform: 'node', format: 'esm', target: 'node20', minifySyntax: true, legalComments: 'linked', logLevel: 'warning',
  banner: { js: '#!/usr/bin/env node' },
});

// Beside its place, and moved there at once: whoever serves it never sees half of it.
await mkdir(join(app, 'dist'), { recursive: true });
const out = await mkdtemp(join(app, 'dist/building-'));
const outputs = {};
for (const files of Object.values(ENTRIES)) {
  const { metafile } = await build({
    absWorkingDir: here, entryPoints: files.map((file) => join(app, 'src', file)), outdir: out, entryNames: '[name]-[hash]', chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]', bundle: true, splitting: true, format: 'esm', minify: true, target: 'es2022', metafile: true, logLevel: 'warning',
    loader: { '.woff2': 'file' }, legalComments: 'linked',
  });
  Object.assign(outputs, metafile.outputs);
}

// Words are files of their own, so that they can be asked for before a script is there; the reader's are what its files say.
const READER = ['read.ts', 'book.ts'];
const readersSource = (await Promise.all(READER.map((file) => readFile(join(app, 'src', file), 'utf8')))).join('');
const strings = { reader: {}, other: {} };
for (const file of await readdir(join(app, 'strings'))) {
  const language = basename(file, '.json');
  const all = JSON.parse(await readFile(join(app, 'strings', file), 'utf8'));
  const readers = Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('reader.') || readersSource.includes(`'${key}'`)));
  for (const [kind, words] of [['other', all], ['reader', readers]]) {
    const script = `export default ${JSON.stringify(words)};\n`;
    const name = nameOf(kind === 'reader' ? `reader-${language}` : language, script, 'js');
    strings[kind][language] = `./${name}`;
    await writeFile(join(out, name), script);
  }
}
const [type] = Object.entries(outputs).find(([, output]) => basename(output.entryPoint ?? '') === 'fonts.css');
const fonts = Object.keys(outputs).map((path) => basename(path)).filter((name) => /^(andika|averia-serif-libre)-latin-[47]00-.*woff2$/.test(name));
const start = await build({
  entryPoints: [join(app, 'src/start.ts')], bundle: true, format: 'iife', minify: true, target: 'es2022', logLevel: 'warning', write: false,
  define: { STRINGS: JSON.stringify(strings), TYPE: JSON.stringify(basename(type)), FONTS: JSON.stringify(fonts) },
});
const startName = nameOf('start', start.outputFiles[0].contents, 'js');
await writeFile(join(out, startName), start.outputFiles[0].contents);

const hashed = new Map([['start.js', startName]]);
for (const [path, output] of Object.entries(outputs)) {
  const source = output.entryPoint ?? Object.keys(output.inputs)[0] ?? '';
  if (output.entryPoint) hashed.set(basename(source).replace(/\.ts$/, '.js'), basename(path));
  else if (path.endsWith('.woff2')) hashed.set(basename(source), basename(path));
}
const icon = await readFile(join(app, 'assets/icon.svg'));
const iconName = nameOf('icon', icon, 'svg');
await writeFile(join(out, iconName), icon);
hashed.set('icon.svg', iconName);
await cp(join(app, 'assets'), out, { recursive: true });

const pages = join(app, 'pages');
const part = async (name) => (await readFile(join(pages, name), 'utf8')).trim();
const { API_URL: apiUrl, SUPABASE_URL: supabaseUrl, SUPABASE_ANON_KEY: anonKey } = process.env;
const isDeployment = process.argv.includes('--deploy');
if (isDeployment && !(apiUrl && supabaseUrl && anonKey)) throw new Error('API_URL, SUPABASE_URL and SUPABASE_ANON_KEY must be set');
const escape = (text) => text.replace(/&/g, '&amp;').replace(/"/g, '&quot;');
const filled = new Map([['head', await part('_head.html')], ['frame', await part('_frame.html')]]);
if (isDeployment) filled.set('config', escape(JSON.stringify({ apiUrl, supabaseUrl, anonKey }))).set('api', escape(apiUrl));
for (const file of (await readdir(pages)).filter((name) => !name.startsWith('_'))) {
  let html = await part(file);
  for (const names of [filled, hashed, filled]) html = html.replace(/\{\{([^}]+)\}\}/g, (whole, name) => names.get(name) ?? whole);
  await writeFile(join(out, file), html + '\n');
}

/** The scripts a page needs before anything happens: an entry and what it imports at once. */
function firstLoad(path, seen = []) {
  if (seen.includes(path)) return seen;
  seen.push(path);
  for (const { path: imported, kind } of outputs[path].imports) if (kind === 'import-statement') firstLoad(imported, seen);
  return seen;
}

const shell = (await readdir(out)).filter((name) => !/\.(map|txt)$/.test(name) && !/^(icon-\d|andika-(latin-ext|cyrillic))/.test(name)).sort();
const version = createHash('sha256').update(shell.join()).digest('hex').slice(0, 12);
await build({
  entryPoints: [join(app, 'src/sw.ts')], outfile: join(out, 'sw.js'), bundle: true, format: 'iife', minify: true, target: 'es2022', logLevel: 'warning',
  define: { SHELL: JSON.stringify(shell), VERSION: JSON.stringify(version) },
});

const sizes = Object.fromEntries(Object.keys(ENTRIES).map((name) => {
  const [entry] = Object.entries(outputs).find(([, output]) => basename(output.entryPoint ?? '') === `${name}.ts`);
  return [name, [startName, ...firstLoad(entry).map((path) => basename(path))]];
}));
await writeFile(join(app, 'dist/first-load.json'), JSON.stringify(sizes, null, 1));

// The CDN compresses what it serves; whoever serves it here finds it done.
if (!isDeployment) {
  await mkdir(join(out, 'br'));
  for (const name of (await readdir(out)).filter((name) => /\.(js|css|svg)$/.test(name))) {
    await writeFile(join(out, 'br', name), brotliCompressSync(await readFile(join(out, name))));
  }
}

const place = join(app, 'dist/app');
const old = `${place}-old-${process.pid}`;
await rename(place, old).catch(() => undefined);
await rename(out, place);
await rm(old, { recursive: true, force: true });
