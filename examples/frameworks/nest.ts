import 'reflect-metadata';
import { Catch, Controller, Get, Inject, Module, Param, Res } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter, OnApplicationShutdown } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { Response } from 'express';
import { GoldKeyError } from 'goldkey';
import { gold, toAnswer, untilClosed } from './gold.mjs';

@Controller('price')
class PriceController {
  constructor(@Inject('GOLD') private readonly client: typeof gold) {}

  @Get(':symbol')
  async price(@Param('symbol') symbol: string, @Res({ passthrough: true }) response: Response) {
    const { price } = await this.client.getPrice(symbol, { signal: untilClosed(response) });
    return { price };
  }
}

@Catch(GoldKeyError)
class GoldKeyErrorFilter implements ExceptionFilter {
  catch(error: GoldKeyError, host: ArgumentsHost) {
    const { status, headers, body } = toAnswer(error);
    host.switchToHttp().getResponse<Response>().status(status).set(headers).json(body);
  }
}

@Module({
  controllers: [PriceController],
  providers: [
    { provide: 'GOLD', useFactory: () => gold },
    { provide: APP_FILTER, useClass: GoldKeyErrorFilter },
  ],
})
class AppModule implements OnApplicationShutdown {
  async onApplicationShutdown() {
    await gold.close();
  }
}

export const app = await NestFactory.create(AppModule, { logger: false });
