import { fromKms } from 'goldkey/kms';
import { createHandler } from './gold-handler.mjs';

export const handler = createHandler(fromKms);
