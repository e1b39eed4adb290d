import 'goldkey';
