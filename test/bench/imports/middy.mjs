import '@middy/core';
import '@middy/util';
