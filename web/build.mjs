// Builds the client and the page: `node build.mjs`. With API_URL, SUPABASE_URL and SUPABASE_ANON_KEY set, the page knows its
// addresses and can be copied to the bucket; without them whoever serves it puts them in.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const app = join(here, 'app');
// The words are an entry of their own, so that they are asked for before the page's script is there.
const ENTRIES = ['words.ts', 'shelf.ts', 'make.ts', 'story.ts', 'read.ts', 'app.css', 'book.css'];

await build({
  entryPoints: [join(here, 'client/src/index.ts')], outfile: join(here, 'client/dist/index.js'),
  bundle: true, format: 'esm', target: 'es2022', logLevel: 'warning',
});

// Of `strings/en.json?reader`, only what these files say.
const READER = ['read.ts', 'book.ts'];
const readersWords = {
  name: 'readers-words',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.json\?reader$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.replace('?reader', '')), namespace: 'reader' }));
    onLoad({ filter: /.*/, namespace: 'reader' }, async ({ path }) => {
      const source = (await Promise.all(READER.map((file) => readFile(join(app, 'src', file), 'utf8')))).join('');
      const isSaid = ([key]) => key.startsWith('reader.') || source.includes(`'${key}'`);
      const strings = Object.fromEntries(Object.entries(JSON.parse(await readFile(path, 'utf8'))).filter(isSaid));
      return { contents: JSON.stringify(strings), loader: 'json' };
    });
  },
};

// Beside its place, and moved there at once: whoever serves it never sees half of it.
await mkdir(join(app, 'dist'), { recursive: true });
const out = await mkdtemp(join(app, 'dist/building-'));
const { metafile } = await build({
  absWorkingDir: here, entryPoints: ENTRIES.map((file) => join(app, 'src', file)), outdir: out, entryNames: '[name]-[hash]', chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]', bundle: true, splitting: true, format: 'esm', minify: true, target: 'es2022', metafile: true, logLevel: 'warning',
  loader: { '.woff2': 'file' }, plugins: [readersWords], legalComments: 'linked',
});

const hashed = new Map();
for (const [path, output] of Object.entries(metafile.outputs)) {
  const source = output.entryPoint ?? Object.keys(output.inputs)[0] ?? '';
  if (output.entryPoint) hashed.set(basename(source).replace(/\.ts$/, '.js'), basename(path));
  else if (path.endsWith('.woff2')) hashed.set(basename(source), basename(path));
}
const icon = await readFile(join(app, 'assets/icon.svg'));
const iconName = `icon-${createHash('sha256').update(icon).digest('hex').slice(0, 8)}.svg`;
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
if (isDeployment) filled.set('config', escape(JSON.stringify({ apiUrl, supabaseUrl, anonKey })));
for (const file of (await readdir(pages)).filter((name) => !name.startsWith('_'))) {
  let html = await part(file);
  for (const names of [filled, hashed, filled]) html = html.replace(/\{\{([^}]+)\}\}/g, (whole, name) => names.get(name) ?? whole);
  // What the page's script needs next is asked for with it.
  const isAsked = (path) => html.includes(`src="${basename(path)}"`);
  const entries = Object.keys(metafile.outputs).filter(isAsked);
  const chunks = [...new Set(entries.flatMap((path) => firstLoad(path)))].filter((path) => !isAsked(path));
  html = html.replace('</title>', `</title>${chunks.map((path) => `\n  <link rel="modulepreload" href="${basename(path)}">`).join('')}`);
  await writeFile(join(out, file), html + '\n');
}

/** The scripts a page needs before anything happens: an entry and what it imports at once. */
function firstLoad(path, seen = []) {
  if (seen.includes(path)) return seen;
  seen.push(path);
  for (const { path: imported, kind } of metafile.outputs[path].imports) if (kind === 'import-statement') firstLoad(imported, seen);
  return seen;
}

const shell = (await readdir(out)).filter((name) => !/\.(map|txt)$/.test(name) && !/^(icon-\d|andika-(latin-ext|cyrillic))/.test(name)).sort();
const version = createHash('sha256').update(shell.join()).digest('hex').slice(0, 12);
await build({
  entryPoints: [join(app, 'src/sw.ts')], outfile: join(out, 'sw.js'), bundle: true, format: 'iife', minify: true, target: 'es2022', logLevel: 'warning',
  define: { SHELL: JSON.stringify(shell), VERSION: JSON.stringify(version) },
});

const sizes = Object.fromEntries(ENTRIES.filter((file) => file.endsWith('.ts')).map((file) => {
  const entry = Object.entries(metafile.outputs).find(([, output]) => basename(output.entryPoint ?? '') === file)[0];
  return [file.replace('.ts', ''), firstLoad(entry).map((path) => basename(path))];
}));
await writeFile(join(app, 'dist/first-load.json'), JSON.stringify(sizes, null, 1));

const place = join(app, 'dist/app');
const old = `${place}-old-${process.pid}`;
await rename(place, old).catch(() => undefined);
await rename(out, place);
await rm(old, { recursive: true, force: true });
