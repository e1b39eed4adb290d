import { fromKmsLight } from 'goldkey/kms-light';
import { createHandler } from './gold-handler.mjs';

export const handler = createHandler(fromKmsLight);
