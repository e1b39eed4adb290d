import { isObject, tryOrUndefined, type KeyedClient } from '../core/index.js';
import { listClients } from './clients.js';
import { redactRecord, toAttributes, toList, toText, type Parts, type Rebuild } from './redact-record.js';

/** A span, as far as it is searched. Any SDK's, so that nothing is taken for granted. */
interface AnySpan {
  readonly name?: unknown;
  readonly attributes?: unknown;
  readonly events?: readonly Parts[];
  readonly links?: ReadonlyArray<{ readonly attributes?: unknown; readonly context?: AnyContext }>;
  readonly status?: { readonly code?: unknown; readonly message?: unknown };
  readonly parentSpanContext?: AnyContext;
  spanContext?(): AnyContext | undefined;
}
interface AnyContext {
  readonly traceState?: { serialize?(): string } | undefined;
}

/**
 * A span processor that removes every key of these clients from any span, whoever made it: from its name, attributes,
 * events, links, status and trace state, in all encodings. Instrumentations of `http`, `undici` and `fetch` write the URL
 * of each request into a span, and many price APIs take the key in the URL. It also knows the last 16 keys that were held,
 * after a rotation, `evict()` or `close()`. Put it first: those after it see clean spans.
 *
 * @example
 * ```ts
 * import { NodeSDK } from '@opentelemetry/sdk-node';
 * import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
 * import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
 * import { KeyRedactingSpanProcessor } from 'goldkey/opentelemetry';
 *
 * new NodeSDK({
 *   spanProcessors: [new KeyRedactingSpanProcessor(gold), new BatchSpanProcessor(new OTLPTraceExporter())],
 * }).start();
 * ```
 */
export class KeyRedactingSpanProcessor {
  readonly #clients: readonly KeyedClient[];

  /**
   * @param clients - the clients whose keys are removed
   * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: something that is not a client
   */
  constructor(clients: KeyedClient | readonly KeyedClient[]) {
    this.#clients = listClients(clients);
  }

  /** Does nothing: a span is searched when it ends. */
  onStart(_span: unknown, _context: unknown): void {}

  /** Removes the keys from a span that is about to end, where the SDK tells of it (from 2.0). */
  onEnding(span: unknown): void {
    try {
      this.#redact(span);
    } catch {
      // It can still be changed, or kept from the exporters, when it has ended.
    }
  }

  /**
   * Removes the keys from a span that has ended, before the processors that come next see it.
   *
   * @throws {Error} if the span holds a key and cannot be changed: it must not be exported
   */
  onEnd(span: unknown): void {
    this.#redact(span);
  }

  /** Resolves at once: nothing is kept. */
  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  /** Resolves at once. Spans that end later are searched all the same. */
  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  #redact(span: unknown): void {
    if (!isObject(span)) return;
    redactRecord<AnySpan>(span, this.#clients, readSpan, SPAN_FIELDS);
    for (const context of listContexts(span)) redactRecord(context, this.#clients, readContext, CONTEXT_FIELDS);
  }
}

function readSpan({ name, attributes, events, links, status }: AnySpan): Parts {
  return {
    name,
    attributes,
    // Without the times and the contexts, which are no texts.
    events: events?.map((event) => ({ name: event['name'], attributes: event['attributes'] })),
    links: links?.map((link) => link.attributes),
    status: status?.message,
  };
}

const SPAN_FIELDS: Readonly<Record<string, Rebuild>> = {
  name: toText,
  attributes: toAttributes,
  events: (clean, before) =>
    toList(clean).map((event, index) => {
      const { name, attributes } = toAttributes(event);
      return { ...toAttributes(toList(before)[index]), name: toText(name), attributes: toAttributes(attributes) };
    }),
  links: (clean, before) =>
    toList(clean).map((attributes, index) => ({
      ...toAttributes(toList(before)[index]),
      attributes: toAttributes(attributes),
    })),
  status: (clean, before) => ({ ...toAttributes(before), message: toText(clean) }),
};

/** The contexts of which exporters write the trace state. */
function listContexts(span: AnySpan): AnyContext[] {
  const own = tryOrUndefined(() => span.spanContext?.());
  const contexts = [own, span.parentSpanContext, ...(span.links ?? []).map(({ context }) => context)];
  return contexts.flatMap((context) => (context?.traceState === undefined ? [] : context));
}

function readContext({ traceState }: AnyContext): Parts {
  return { traceState: traceState?.serialize?.() };
}

const CONTEXT_FIELDS: Readonly<Record<string, Rebuild>> = { traceState: () => undefined };
