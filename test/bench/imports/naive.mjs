import '@aws-sdk/client-kms';
import 'lru-cache';
import 'p-retry';
import 'undici';
