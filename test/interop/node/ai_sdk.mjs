// Vercel's AI SDK with its own telemetry.

import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embed, embedMany, generateObject, generateText, stepCountIs, streamObject, streamText, tool } from 'ai';
import { z } from 'zod';
import { done, plan, stream, url } from './spans.mjs';

const server = createOpenAICompatible({ name: 'standin', baseURL: url, apiKey: 'none', includeUsage: true });
const call = { model: server('small'), prompt: 'How many legs has a cat?', maxRetries: 0, experimental_telemetry: { isEnabled: true } };
const schema = z.object({ legs: z.number() });

await generateText(call);
await stream(() => streamText(call).textStream);
await plan('{"legs": 4}', '{"legs": 4}', { legs: { animal: 'cat' } });
await generateObject({ ...call, schema });
await stream(() => streamObject({ ...call, schema }).partialObjectStream);
await generateText({ // two calls, with a tool between them
  ...call, stopWhen: stepCountIs(3),
  tools: { legs: tool({ description: 'of an animal', inputSchema: z.object({ animal: z.string() }), execute: async () => 4 }) },
});
await embed({ ...call, model: server.textEmbeddingModel('embed'), value: 'a' });
await embedMany({ ...call, model: server.textEmbeddingModel('embed'), values: ['a', 'b'] });
await plan(429, 500); // each is an attempt, of which there are then 1 + 2 + 3
await generateText({ ...call, maxRetries: 2 });
await plan(400);
await generateText({ ...call, maxRetries: 2 }).catch((error) => { if (error.statusCode !== 400) throw error; });
await plan('no object at all');
await generateObject({ ...call, schema }).catch((error) => { if (error.name !== 'AI_NoObjectGeneratedError') throw error; });
await done({ failed: 3, attempts: 8 + 1 + 2 + 3 + 1 + 1 });
