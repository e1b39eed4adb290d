import '@aws-lambda-powertools/parameters/base';
